"""The ledger of an instance that is alone: it ends with it."""

from collections.abc import Sequence
from datetime import date, timedelta

from penstock.state.ledger import KEPT_DAYS, Batch, Counts, Row, Sums


class MemoryLedger:
    """The verbs over a dict. No verb awaits anything, so each is atomic on its event loop."""

    def __init__(self) -> None:
        self._sums: dict[Row, Counts] = {}
        self._taken: dict[str, int] = {}
        self._newest = date.min

    async def add(self, instance: str, batches: Sequence[Batch]) -> int:
        before = self._taken.get(instance, 0)
        for batch in batches:
            if batch.number > before:
                self._take(batch.sums)
                self._taken[instance] = batch.number
        return before

    async def read(self, first: date, last: date) -> Sums:
        return {row: counts for row, counts in self._sums.items() if first <= row.day <= last}

    async def aclose(self) -> None:
        self._sums.clear()

    def _take(self, sums: Sums) -> None:
        for row, counts in sums.items():
            self._sums[row] = counts.plus(self._sums.get(row, Counts()))
            if row.day > self._newest:
                self._newest = row.day
                self._forget(row.day - timedelta(days=KEPT_DAYS))

    def _forget(self, before: date) -> None:
        for row in [row for row in self._sums if row.day < before]:
            del self._sums[row]
