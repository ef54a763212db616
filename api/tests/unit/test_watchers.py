"""Those who watch the status page: how many, how long."""

import asyncio
import random

import pytest
from penstock.errors import TooManyWatchers
from penstock.settings import Settings
from penstock.surfaces import watchers
from penstock.surfaces.board import Board
from penstock.surfaces.watchers import Watch, Watchers
from penstock.telemetry.incidents import Incidents
from penstock.telemetry.lately import Lately
from penstock.telemetry.metrics import Metrics
from penstock.upstream.roster import Roster
from starlette.types import Message
from tests.clock import Clock

SCOPE = {"type": "http", "asgi": {"spec_version": "2.3"}}


@pytest.fixture
def watching() -> Watchers:
    clock = Clock()
    roster = Roster(Settings(), clock, random.Random(1), lambda target, state: None)
    lately = Lately(Metrics(), clock)
    return Watchers(Board(roster, lately, Incidents(), lambda: "no models", lambda: True, lambda: 0.0, keyed=False))


async def stays() -> Message:
    await asyncio.Event().wait()
    raise AssertionError


async def leaves() -> Message:
    return {"type": "http.disconnect"}


async def takes(message: Message) -> None:
    del message


async def stalls(message: Message) -> None:
    if message["type"] == "http.response.body":
        await asyncio.Event().wait()


async def test_there_are_so_many_places(watching: Watchers) -> None:
    watches = [watching.join() for _ in range(watchers.MOST)]
    with pytest.raises(TooManyWatchers):
        watching.join()
    await watches[0](SCOPE, leaves, takes)
    assert isinstance(watching.join(), Watch)


async def test_one_that_reads_nothing_loses_its_place(watching: Watchers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchers, "STALL_S", 0.01)
    async with asyncio.timeout(5):
        await watching.join()(SCOPE, stays, stalls)
    assert watching.count == 0


async def test_the_end_is_told_at_once(watching: Watchers) -> None:
    sent: list[bytes] = []
    told = asyncio.Event()

    async def keeps(message: Message) -> None:
        if message.get("body"):
            sent.append(message["body"])
            told.set()

    watch = asyncio.create_task(watching.join()(SCOPE, stays, keeps))
    await told.wait()
    watching.end()
    async with asyncio.timeout(watchers.EVERY_S / 2):
        await watch
    assert [part[:7] for part in sent] == [b"data: {"] * 2
    assert watching.count == 0


async def test_all_are_told_the_same(watching: Watchers) -> None:
    one, other = watching.events(), watching.events()
    assert await anext(one) is await anext(other)
