"""The batches of one instance, on their way to the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from penstock.state.ledger import Batch, Ledger, Sums

SETTLES_S = 5.0
"""How long a batch is sent again after it was taken. A Redis that is killed may lose its last two seconds."""


class Outbox:
    """Sends each batch, as it was and with its number, until the ledger has had it for a while."""

    def __init__(self, instance: str, clock: Callable[[], float], batches: Iterable[Batch] = ()) -> None:
        self._instance = instance
        self._clock = clock
        self._batches = list(batches)
        self._taken: dict[int, float] = {}  # since when the ledger has those that it has
        self._number = self._batches[-1].number if self._batches else 0

    def put(self, sums: Sums) -> None:
        self._number += 1
        self._batches.append(Batch(self._number, sums))

    @property
    def empty(self) -> bool:
        return not self._batches

    @property
    def waiting(self) -> int:
        """Requests in batches of which the ledger has not said that it has them."""
        return sum(counts.requests for batch in self._untaken() for counts in batch.sums.values())

    @property
    def answered(self) -> bool:
        """The ledger has all of them."""
        return not any(self._untaken())

    async def send(self, ledger: Ledger) -> list[int]:
        """Send all. Returns the numbers of those that are done with. Raises StoreUnavailableError."""
        if not self._batches:
            return []
        before = await ledger.add(self._instance, self._batches)
        now = self._clock()
        for number, _ in self._batches:
            if number > before or number not in self._taken:
                self._taken[number] = now
        done = [number for number, since in self._taken.items() if now - since >= SETTLES_S]
        for number in done:
            del self._taken[number]
        self._batches = [batch for batch in self._batches if batch.number not in done]
        return done

    def _untaken(self) -> Iterator[Batch]:
        return (batch for batch in self._batches if batch.number not in self._taken)
