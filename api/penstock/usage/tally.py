"""Counts what callers use, and hands it to the ledger beside the requests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date
from typing import Final

from structlog.typing import FilteringBoundLogger

from penstock.state.ledger import Counts, Ledger, Row, Sums
from penstock.state.store import StoreUnavailableError
from penstock.telemetry.gauges import UsageState
from penstock.telemetry.record import Record
from penstock.usage.files import Files, Named
from penstock.usage.outbox import Outbox
from penstock.usage.spool import Spool, spool_of

EVERY_S = 1.0
LOOK_S: Final = 10.0
"""How often it looks for what dead instances left."""
LAST_S: Final = 3.0
"""How long an instance that ends tries to hand over what it has."""
MOST_TOKENS, MOST_USD = 10**9, 1e6
"""Of one request; a target that tells more is not believed, so that no sum can overflow."""
DAY_S: Final = 86400
EPOCH: Final = date(1970, 1, 1).toordinal()


class Tally:
    """Of one instance. A batch goes out a second, the next when the ledger has it; what comes meanwhile gathers."""

    def __init__(self, ledger: Ledger, spool: Spool, clock: Callable[[], float], log: FilteringBoundLogger) -> None:
        self._ledger = ledger
        self._spool = spool
        self._clock = clock
        self._log = log
        self._gathered: dict[Named, list[int]] = {}  # Row to Counts, in what costs a request less to make
        self._outbox = Outbox(spool.name, clock)
        self._left: list[tuple[Files, Outbox]] = []  # what dead instances left
        self._look_at = clock()
        self._up = True
        self._had_all_at = clock()  # when the ledger last had all that was counted
        self._day = date.min
        self._day_begins = self._day_ends = 0.0

    def count(self, record: Record, read: int, written: int, counted: bool, usd: float, at: float) -> None:
        """What an answer used. `counted`: by its target; else it is an estimate. `at`: now, in seconds of the epoch."""
        if not self._day_begins <= at < self._day_ends:
            self._turn_to(at)
        row, counts = (self._day, record.caller, record.model), counts_of(record, read, written, counted, usd)
        if self._spool.keeps:
            self._spool.append(row, counts)
        sums = self._gathered.get(row)
        if sums is None:
            self._gathered[row] = counts
        else:
            for place in range(len(counts)):
                sums[place] += counts[place]

    @property
    def waiting(self) -> int:
        """Requests that are counted here, and not yet in the ledger."""
        gathered = sum(counts.requests for counts in self._sums().values())
        return gathered + self._outbox.waiting + sum(outbox.waiting for _, outbox in self._left)

    def state(self) -> UsageState:
        waiting = self.waiting
        return UsageState(waiting, self._clock() - self._had_all_at if waiting else 0.0)

    async def run(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            await self.step()

    async def step(self) -> None:
        """What is done each second."""
        self._adopt()
        self._spool.tidy(self._sums())
        now = self._clock()
        if all_of_it := self._outbox.answered:
            self._cut()
        if await self._send() and all_of_it:
            self._had_all_at = now

    async def aclose(self) -> None:
        """Hand over what there is, within a moment. What the spool still holds is left to another instance."""
        self._cut()
        until = self._clock() + LAST_S
        while not await self._send() and self._clock() < until:  # noqa: ASYNC110  # Redis tells nobody that it is back
            await asyncio.sleep(0.2)
        if self.waiting:
            self._log.error("usage left", requests=self.waiting, kept=self._spool.keeps)
        self._spool.close(empty=self._outbox.empty)
        for files, _ in self._left:
            files.release()

    def _turn_to(self, at: float) -> None:
        day = int(at // DAY_S)
        self._day = date.fromordinal(EPOCH + day)
        self._day_begins, self._day_ends = float(day * DAY_S), float((day + 1) * DAY_S)

    def _sums(self) -> Sums:
        return {Row(*named): Counts(*counts) for named, counts in self._gathered.items()}

    def _cut(self) -> None:
        if self._gathered:
            self._outbox.put(self._sums())
            self._gathered = {}
            self._spool.cut()

    def _adopt(self) -> None:
        if self._clock() >= self._look_at:
            self._look_at = self._clock() + LOOK_S
            for files in self._spool.dead():
                try:
                    self._left.append((files, Outbox(files.name, self._clock, files.batches())))
                except OSError:
                    files.release()
                    raise

    async def _send(self) -> bool:
        """False if the ledger does not answer."""
        try:
            for number in await self._outbox.send(self._ledger):
                self._spool.drop(number)
            await self._send_left()
        except StoreUnavailableError as error:
            self._moved(up=False, why=str(error))
        else:
            self._moved(up=True, why="it answers")
        return self._up

    async def _send_left(self) -> None:
        for files, outbox in tuple(self._left):
            await outbox.send(self._ledger)
            if outbox.empty:
                files.remove()
                self._left.remove((files, outbox))

    def _moved(self, *, up: bool, why: str) -> None:
        if up != self._up:
            self._up = up
            self._log.warning("usage moved", up=up, why=why, waiting=self.waiting)


def tally_of(folder: str, ledger: Ledger, clock: Callable[[], float], log: FilteringBoundLogger) -> Tally:
    """Over a folder, or none for an empty name. Raises SettingsError."""
    return Tally(ledger, spool_of(folder, log), clock, log)


def counts_of(record: Record, read: int, written: int, counted: bool, usd: float) -> list[int]:
    """What one answer adds, in the order of Counts."""
    if read > MOST_TOKENS or written > MOST_TOKENS:
        read, written = min(read, MOST_TOKENS), min(written, MOST_TOKENS)
    nano_usd = int((usd if usd < MOST_USD else MOST_USD) * 1e9 + 0.5)
    counts = [1, read, written, 0, 0, 0, 0, nano_usd] if counted else [1, 0, 0, 1, read, written, 0, nano_usd]
    if record.target_kind == "cloud":
        counts[6], counts[7] = nano_usd, 0
    return counts
