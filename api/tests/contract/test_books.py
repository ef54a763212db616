"""One contract, two books: a file and Redis."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from penstock.callers import edits
from penstock.callers.book import Book, BookUnreadable
from penstock.callers.caller import Caller, Key
from penstock.callers.file_book import FileBook
from penstock.callers.redis_book import RedisBook
from penstock.errors import CallerTaken
from penstock.state.redis import RedisTable
from redis.asyncio import Redis
from tests.servers import RedisServer

KEY = Key.make(datetime(2026, 1, 1, tzinfo=UTC))[1]
SHOP = Caller(name="shop", owner="ada", models=("chat",), functions=(), fallback=False, keys=(KEY,))


@pytest.fixture(params=["file", "redis"])
async def opened(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Callable[[], Book]]:
    """Opens the same book as often as asked."""
    books: list[Book] = []

    def book() -> Book:
        if request.param == "file":
            books.append(FileBook(tmp_path / "callers.yaml"))
        else:
            books.append(RedisBook(RedisTable(request.getfixturevalue("redis_server").url, "callers")))
        return books[-1]

    yield book
    for each in books:
        await each.aclose()


async def test_what_is_written_is_read_by_another(opened: Callable[[], Book]) -> None:
    mine, other = opened(), opened()
    assert (await other.version(), await other.read()) == (None, ())
    assert await mine.write(lambda callers: edits.added(callers, SHOP)) == (SHOP,)
    assert await other.read() == (SHOP,)


async def test_each_change_has_a_version_of_its_own(opened: Callable[[], Book]) -> None:
    book, seen = opened(), set()
    for number in range(20):
        await book.write(lambda callers, number=number: edits.added(callers, Caller(name=f"caller-{number}")))
        seen.add(await book.version())
    assert len(seen) == 20
    assert await book.version() in seen


async def test_a_refused_change_changes_nothing(opened: Callable[[], Book]) -> None:
    book = opened()
    await book.write(lambda callers: edits.added(callers, SHOP))
    before = await book.version()
    with pytest.raises(CallerTaken):
        await book.write(lambda callers: edits.added(callers, SHOP))
    assert (await book.version(), await book.read()) == (before, (SHOP,))


async def test_those_who_write_at_once_do_not_undo_each_other(opened: Callable[[], Book]) -> None:
    books = [opened() for _ in range(8)]

    async def add(at: int) -> None:
        await books[at].write(lambda callers: edits.added(callers, Caller(name=f"caller-{at}")))

    await asyncio.gather(*map(add, range(8)))
    assert {caller.name for caller in await opened().read()} == {f"caller-{at}" for at in range(8)}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("callers: [", "is not YAML"),
        ("callers: {name: shop}", "and a list"),
        ("callers: []\nmodels: []", "and nothing else"),
        ("callers: [{owner: ada}]", "caller 1: name: Field required"),
        ("callers: [{name: a}, {name: b, limit: 3}]", "caller 2: limit: Extra inputs"),
        ("callers: [{name: a}, {name: a}]", "two callers have the name 'a'"),
        ("callers: [{name: a, keys: [{id: 0123456789ab, sha256: secret, made_at: 2026-01-01T00:00:00Z}]}]", "sha256"),
        ("callers: [{name: a, keys: [{id: 111111111111, sha256: '1', made_at: 2026-01-01T00:00:00Z}]}]", "quotes"),
        ('callers: [{name: "two\\nlines"}]', "control character"),
    ],
)
async def test_a_file_that_cannot_be_used_is_told_and_not_quoted(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "callers.yaml"
    path.write_text(text)
    for use in (FileBook(path).read, partial(FileBook(path).write, lambda callers: callers)):
        with pytest.raises(BookUnreadable, match=told) as refused:
            await use()
        assert "secret" not in str(refused.value)
    assert path.read_text() == text


async def test_a_file_is_for_its_owner_alone_and_never_half_there(tmp_path: Path) -> None:
    path = tmp_path / "callers.yaml"
    await FileBook(path).write(lambda callers: edits.added(callers, SHOP))
    assert path.stat().st_mode & 0o777 == 0o600
    assert set(os.listdir(tmp_path)) == {"callers.yaml", "callers.yaml.lock"}
    path.write_text(path.read_text() + "# by hand\n")
    assert await FileBook(path).read() == (SHOP,)


async def test_where_it_may_not_write_a_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(BookUnreadable, match="cannot be changed"):
        await FileBook(tmp_path / "missing" / "callers.yaml").write(lambda callers: callers)


async def test_redis_that_is_away_is_told_and_asked_again(redis_server: RedisServer) -> None:
    book = RedisBook(RedisTable(redis_server.url, "callers", deadline_s=1))
    await book.write(lambda callers: edits.added(callers, SHOP))
    redis_server.kill()
    for use in (book.version, book.read, partial(book.write, lambda callers: callers)):
        with pytest.raises(BookUnreadable, match="does not answer"):
            await use()
    redis_server.start()
    assert await book.version() is None
    await book.write(lambda callers: callers)
    await book.aclose()


async def test_a_book_written_anew_after_a_loss_has_another_version(redis_server: RedisServer) -> None:
    book = RedisBook(RedisTable(redis_server.url, "callers"))
    await book.write(lambda callers: callers)
    before = await book.version()
    async with Redis.from_url(redis_server.url) as redis:
        await redis.flushall()
        assert await book.version() is None
        await asyncio.sleep(0.002)  # a version is the millisecond of its writing
        await book.write(lambda callers: callers)
        assert await book.version() != before
        await redis.hset("penstock:table:callers", "text", "[{]")
    with pytest.raises(BookUnreadable, match="cannot be read"):
        await book.read()
    await book.aclose()
