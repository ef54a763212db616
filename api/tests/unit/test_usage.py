"""What is counted reaches the ledger once, whatever becomes of the ledger and of the instance."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from penstock.settings import SettingsError
from penstock.settings.parts import Price
from penstock.state.ledger import Batch, Counts, Row, Sums
from penstock.state.memory_ledger import MemoryLedger
from penstock.state.store import StoreUnavailableError
from penstock.telemetry.record import Record
from penstock.telemetry.tariff import Tariff
from penstock.usage.files import begun, dead
from penstock.usage.outbox import SETTLES_S
from penstock.usage.spool import LARGE_BYTES, spool_of
from penstock.usage.tally import LOOK_S, MOST_TOKENS, Tally, counts_of
from structlog.testing import CapturingLogger
from structlog.typing import FilteringBoundLogger
from tests.clock import Clock

DAY = date(2026, 11, 26)
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC).timestamp()
SHOP, LAB = Row(DAY, "shop", "tiny"), Row(DAY, "lab", "tiny")
TARIFF = Tariff(Price(input_per_million_usd=0.15, output_per_million_usd=0.6))
ONE = Counts(1, 10, 20, saved_nano_usd=13_500)


def add(tally: Tally, caller: str = "shop", at: float = NOON) -> None:
    record = a_record(caller)
    tally.count(record, 10, 20, True, record.answered(10, 20, counted=True), at)


def a_record(caller: str = "shop", **more: Any) -> Record:
    record = Record("chat", "req-1", 0.0)
    record.caller, record.model, record.target_kind, record.tariff = caller, "tiny", "replica", TARIFF
    for name, value in more.items():
        setattr(record, name, value)
    return record


class Shaky(MemoryLedger):
    """A ledger that may not answer, having taken what it was sent or not, and may lose what it took last."""

    answers = True
    takes = True

    async def add(self, instance: str, batches: Sequence[Batch]) -> int:
        if not self.takes:
            raise StoreUnavailableError("away")
        before = await super().add(instance, batches)
        if not self.answers:
            raise StoreUnavailableError("no answer within 2 s")
        return before

    async def sums(self) -> Sums:
        return await self.read(DAY, DAY + timedelta(days=1))


class Site:
    """Instances over one ledger and, if there is one, one folder."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.ledger = Shaky()
        self.clock = Clock()
        self.logged = CapturingLogger()
        self.log: FilteringBoundLogger = structlog.wrap_logger(self.logged, processors=[])

    def instance(self) -> Tally:
        spool = spool_of(str(self.folder or ""), self.log)
        return Tally(self.ledger, spool, self.clock, self.log)

    def events(self) -> list[str]:
        return [call.kwargs["event"] for call in self.logged.calls]

    def files(self) -> list[str]:
        assert self.folder is not None
        return sorted(path.name.partition(".")[2] for path in self.folder.iterdir())

    async def pass_time(self, tally: Tally, seconds: float) -> None:
        for _ in range(int(seconds)):
            self.clock.advance(1)
            await tally.step()


@pytest.fixture(params=["alone", "spooled"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Site:
    return Site(tmp_path / "usage" if request.param == "spooled" else None)


@pytest.fixture
def spooled(tmp_path: Path) -> Site:
    return Site(tmp_path / "usage")


@contextmanager
def killed(site: Site, *callers: str, batches: int = 1) -> Iterator[None]:
    """A process that counts for these callers, sends nothing, and is killed; inside, it lives."""
    code = f"""
import sys, time, structlog
from pathlib import Path
from penstock.state.ledger import Counts, Row
from penstock.usage.spool import spool_of
from datetime import date
spool = spool_of({str(site.folder)!r}, structlog.get_logger())
for _ in range({batches}):
    for caller in {callers!r}:
        spool.append(Row(date(2026, 11, 26), caller, "tiny"), Counts(1, 10, 20, saved_nano_usd=13500))
    spool.cut()
print(spool.name, flush=True)
time.sleep(600)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline()
        yield
    finally:
        process.kill()
        process.communicate()


def test_what_one_request_adds() -> None:
    def added(record: Record, counted: bool = True) -> Counts:
        return Counts(*counts_of(record, 10, 20, counted, record.answered(10, 20, counted=counted)))

    assert added(a_record()) == ONE
    assert added(a_record(target_kind="cloud")) == Counts(1, 10, 20, cost_nano_usd=13_500)
    assert added(a_record(), counted=False) == Counts(1, 0, 0, 1, 10, 20, saved_nano_usd=13_500)
    assert added(a_record(target_kind="cloud"), counted=False) == Counts(1, 0, 0, 1, 10, 20, cost_nano_usd=13_500)
    assert added(a_record(tariff=None)) == Counts(1, 10, 20)


def test_what_cannot_be_is_not_believed() -> None:
    huge = Counts(*counts_of(a_record(), 2**62, 2**62, True, 1e300))
    assert (huge.input_tokens, huge.output_tokens) == (MOST_TOKENS, MOST_TOKENS)
    assert sum(huge) < 2**53


async def test_what_is_counted_is_in_the_ledger_a_second_later(site: Site) -> None:
    tally = site.instance()
    for caller in ("shop", "shop", "lab"):
        add(tally, caller)
    assert tally.waiting == 3
    await site.pass_time(tally, 1)
    assert await site.ledger.sums() == {SHOP: ONE.plus(ONE), LAB: ONE}
    assert tally.waiting == 0


async def test_the_day_is_that_of_the_end_in_utc(site: Site) -> None:
    tally = site.instance()
    midnight = datetime(2026, 11, 27, tzinfo=UTC).timestamp()
    for at in (midnight - 0.001, midnight, midnight + 1, midnight - 1):
        add(tally, at=at)
    await site.pass_time(tally, 1)
    tomorrow = Row(DAY + timedelta(days=1), "shop", "tiny")
    assert await site.ledger.sums() == {SHOP: ONE.plus(ONE), tomorrow: ONE.plus(ONE)}


async def test_what_a_ledger_took_without_an_answer_is_not_counted_again(site: Site) -> None:
    tally = site.instance()
    add(tally)
    site.ledger.answers = False
    await site.pass_time(tally, 3)
    add(tally, "lab")
    await site.pass_time(tally, 3)
    assert (tally.state(), site.events()) == ((2, 6), ["usage moved"])
    assert await site.ledger.sums() == {SHOP: ONE}, "new counts wait until that batch has an answer"
    site.ledger.answers = True
    await site.pass_time(tally, 2)
    assert await site.ledger.sums() == {SHOP: ONE, LAB: ONE}
    assert (tally.state(), site.events()) == ((0, 0), ["usage moved", "usage moved"])
    site.clock.advance(0.5)
    add(tally)
    assert tally.state() == (1, 0.5)


async def test_what_gathers_while_the_ledger_is_away_is_there_when_it_is_back(site: Site) -> None:
    tally = site.instance()
    site.ledger.takes = False
    for _ in range(100):
        add(tally)
        await site.pass_time(tally, 1)
    assert tally.waiting == 100
    site.ledger.takes = True
    await site.pass_time(tally, 2)
    assert (await site.ledger.sums())[SHOP].requests == 100


async def test_a_ledger_that_lost_its_last_seconds_gets_them_again(site: Site) -> None:
    tally = site.instance()
    for _ in range(20):
        add(tally)
        await site.pass_time(tally, 1)
    for _ in range(3):  # again and again
        lost = Shaky()  # what is left of it after a fall
        lost._sums = {SHOP: Counts(*[18 * each for each in ONE])}
        lost._taken = {tally._spool.name: 18}
        tally._ledger = lost
        await site.pass_time(tally, SETTLES_S - 1)
        assert (await lost.sums())[SHOP] == Counts(*[20 * each for each in ONE])
    await site.pass_time(tally, SETTLES_S + 1)
    assert tally._outbox.empty


async def test_an_instance_that_ends_hands_over_what_it_has(site: Site) -> None:
    tally = site.instance()
    add(tally)
    await tally.aclose()
    assert await site.ledger.sums() == {SHOP: ONE}
    assert site.events() == []


async def test_an_instance_that_ends_without_a_ledger_says_what_is_left(site: Site) -> None:
    tally = site.instance()
    site.ledger.takes = False
    site.clock.advance(1)
    add(tally)
    tally._clock = iter(range(100)).__next__  # time flies
    await tally.aclose()
    (told,) = [call.kwargs for call in site.logged.calls if call.kwargs["event"] == "usage left"]
    assert (told["requests"], told["kept"]) == (1, site.folder is not None)


class TestSpool:
    async def test_a_folder_holds_no_more_than_the_ledger_may_lack(self, spooled: Site) -> None:
        tally = spooled.instance()
        for _ in range(9):
            add(tally)
            await spooled.pass_time(tally, 1)
        assert spooled.files() == ["5", "6", "7", "8", "9", "lock"]
        await spooled.pass_time(tally, SETTLES_S)
        assert spooled.files() == ["lock"]
        await tally.aclose()
        assert spooled.files() == []

    async def test_what_a_dead_instance_left_is_sent_in_its_name_and_once(self, spooled: Site) -> None:
        with killed(spooled, "shop", "lab", batches=2):
            (lock,) = spooled.folder.glob("*.lock")  # type: ignore[union-attr]
            await spooled.ledger.add(lock.stem, [Batch(1, {SHOP: ONE, LAB: ONE})])  # it had sent the first
        first, second = spooled.instance(), spooled.instance()
        for _ in range(8):
            for tally in (first, second):
                await tally.step()
            spooled.clock.advance(1)
        assert await spooled.ledger.sums() == {SHOP: ONE.plus(ONE), LAB: ONE.plus(ONE)}
        assert spooled.files() == ["lock", "lock"], "those of the two that live"
        await first.aclose()
        await second.aclose()

    async def test_what_lives_is_left_alone(self, spooled: Site) -> None:
        tally = spooled.instance()
        with killed(spooled, "shop"):
            await spooled.pass_time(tally, 2 * LOOK_S)
            assert await spooled.ledger.sums() == {}
        await spooled.pass_time(tally, LOOK_S)
        assert await spooled.ledger.sums() == {SHOP: ONE}
        await tally.aclose()

    async def test_an_instance_that_ends_leaves_to_others_what_the_ledger_lacks(self, spooled: Site) -> None:
        tally = spooled.instance()
        spooled.ledger.takes = False
        add(tally)
        tally._clock = iter(range(100)).__next__
        await tally.aclose()
        spooled.ledger.takes = True
        following = spooled.instance()
        await spooled.pass_time(following, 1)
        assert await spooled.ledger.sums() == {SHOP: ONE}
        await following.aclose()

    async def test_one_that_takes_over_and_ends_leaves_it_to_the_next(self, spooled: Site) -> None:
        with killed(spooled, "shop"):
            pass
        spooled.ledger.takes = False
        tally = spooled.instance()
        await spooled.pass_time(tally, 1)
        assert tally.waiting == 1
        tally._clock = iter(range(100)).__next__
        await tally.aclose()
        spooled.ledger.takes = True
        following = spooled.instance()
        await spooled.pass_time(following, 1)
        assert await spooled.ledger.sums() == {SHOP: ONE}
        await following.aclose()

    async def test_a_line_that_is_not_whole_is_left_out_and_told(self, spooled: Site) -> None:
        with killed(spooled, "shop", "lab"):
            pass
        (file,) = spooled.folder.glob("*.1")  # type: ignore[union-attr]
        file.write_bytes(file.read_bytes()[:-5])
        tally = spooled.instance()
        await spooled.pass_time(tally, 1)
        assert await spooled.ledger.sums() == {SHOP: ONE}
        assert spooled.events() == ["usage torn"]
        await tally.aclose()

    async def test_a_large_file_is_written_anew_and_says_the_same(self, spooled: Site) -> None:
        tally = spooled.instance()
        spooled.ledger.takes = False
        add(tally, "lab")
        await spooled.pass_time(tally, 1)
        line = len(json.dumps([*SHOP[1:], *ONE]))
        for _ in range(LARGE_BYTES // line):
            add(tally)
        (file,) = spooled.folder.glob("*.2")  # type: ignore[union-attr]
        large = file.stat().st_size
        await spooled.pass_time(tally, 1)
        add(tally)
        assert (large > LARGE_BYTES, file.stat().st_size < 300) == (True, True)
        assert spooled.files() == ["1", "2", "lock"]
        tally._spool._own.release()  # type: ignore[attr-defined]  # as if it had died
        spooled.ledger.takes = True
        following = spooled.instance()
        await spooled.pass_time(following, 1)
        assert (await spooled.ledger.sums())[SHOP].requests == LARGE_BYTES // line + 1
        await following.aclose()

    async def test_a_folder_that_fails_holds_nobody_up_and_is_made_good(self, spooled: Site) -> None:
        tally = spooled.instance()
        spooled.ledger.takes = False
        add(tally)
        await spooled.pass_time(tally, 1)
        moved = spooled.folder.rename(spooled.folder.with_name("away"))  # type: ignore[union-attr]
        for _ in range(3):
            add(tally, "lab")
            await spooled.pass_time(tally, 1)
        assert spooled.events() == ["usage moved", "usage not spooled"]
        moved.rename(spooled.folder)  # type: ignore[arg-type]
        await spooled.pass_time(tally, 1)
        (file,) = spooled.folder.glob("*.2")  # type: ignore[union-attr]
        assert json.loads(file.read_text())[3] == 3
        add(tally, "lab")
        assert len(file.read_text().splitlines()) == 2
        spooled.ledger.takes = True
        await tally.aclose()
        assert (await spooled.ledger.sums())[LAB].requests == 4

    def test_a_folder_that_cannot_be_is_said_at_the_start(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(SettingsError, match="usage_dir cannot be used"):
            spool_of(str(tmp_path / "file" / "usage"), structlog.get_logger())

    def test_who_begins_is_not_taken_for_dead(self, tmp_path: Path) -> None:
        """Between making its lock and holding it, another may look for the dead, and remove it."""
        log, over = structlog.get_logger(), threading.Event()

        def bury() -> None:
            while not over.is_set():
                for files in dead(tmp_path, log):
                    files.remove()

        burying = threading.Thread(target=bury)
        burying.start()
        try:
            alive = [begun(tmp_path, log) for _ in range(400)]
        finally:
            over.set()
            burying.join()
        assert {path.stem for path in tmp_path.iterdir()} == {files.name for files in alive}
        for files in alive:
            files.remove()

    def test_nothing_of_it_is_for_others_to_read(self, spooled: Site) -> None:
        tally = spooled.instance()
        add(tally)
        assert spooled.folder is not None
        assert {path.stat().st_mode & 0o777 for path in spooled.folder.iterdir()} == {0o600}
