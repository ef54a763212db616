"""Whose turn it is where a model's replicas have enough to do: fair between callers by weight, the urgent first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from penstock.callers.caller import Caller, Priority
from penstock.settings.parts import Queueing

RANKS: Final[Mapping[Priority, int]] = {"high": 0, "normal": 1, "low": 2}
TO_FREE: Final = 8
"""So many times as many places as are free may be one caller's: who floods has eight of nine, and others find a place.

Dynamic thresholds (Choudhury and Hahne, 1998). Turns alone are not enough: calls that began together end together, and
who comes just after waits for as long as one takes.
"""
LEARNS: Final = 0.1
"""What one departure weighs in the mean time between departures."""


class Turn(NamedTuple):
    """Where a call stands: `start` is its virtual time, which for each caller advances by what it took for its weight.

    Start-time fair queueing (Goyal, Vin and Cheng, 1996), one clock for each rank. `name` is its caller's.
    """

    rank: int
    start: float
    number: int
    name: str


class Place:
    """A call's place at the replicas. It is left once, and may be left again."""

    __slots__ = ("_name", "_queue")

    def __init__(self, queue: Queue, name: str) -> None:
        self._queue: Queue | None = queue
        self._name = name

    def leave(self) -> None:
        queue, self._queue = self._queue, None
        if queue is not None:
            queue.left(self._name)


class Queue:
    """One model's, on this instance. `settings` may be set anew at any time."""

    def __init__(self, settings: Queueing, clock: Callable[[], float]) -> None:
        self.settings = settings
        self.open = 0
        self._held: dict[str, int] = {}  # of those open, by caller
        self._clock = clock
        self._waiting: list[tuple[Turn, asyncio.Future[bool]]] = []
        self._heads = dict.fromkeys(RANKS.values(), 0.0)
        self._finished: dict[tuple[int, str], float] = {}
        self._number = 0
        self._full_since: float | None = None  # the last departure, or since nobody else could be let in
        self._between_s: float | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def take(self, name: str) -> Place | None:
        """A place for this caller, if one is free for it. Nobody waits for whom that place would be too."""
        if not self._has_room(name):
            return None
        self._opened(name)
        return Place(self, name)

    async def enter(self, caller: Caller, cost: float, until: float) -> Place | float:
        """A place, perhaps after a while; where none can be had in time, seconds after which to ask again.

        `cost` is in any one unit.
        """
        if (place := self.take(caller.name)) is not None:
            return place
        now, turn = self._clock(), self._turn(caller)
        if self._full_since is None:
            self._full_since = now
        wait_s, patience_s = self._expected_s(turn), min(self.settings.wait_s, until - now)
        if wait_s > patience_s or not self._makes_room(turn):
            return max(wait_s, 1.0)
        self._finished[turn.rank, turn.name] = turn.start + cost / caller.weight
        if await self._wait(turn, patience_s):
            return Place(self, caller.name)
        return max(self._expected_s(turn), 1.0)

    def left(self, name: str) -> None:
        """A call of this caller's has left its place."""
        self.open -= 1
        held = self._held.pop(name) - 1
        if held:
            self._held[name] = held
        now = self._clock()
        if self._full_since is not None:
            between_s = now - self._full_since
            known_s = between_s if self._between_s is None else self._between_s
            self._between_s = known_s + LEARNS * (between_s - known_s)
        self.go_on()
        self._full_since = now if self._waiting else None

    def go_on(self) -> None:
        """Give free places to those whose turn it is."""
        while able := [each for each in self._waiting if self._has_room(each[0].name) and not each[1].done()]:
            turn, granted = min(able)
            self._opened(turn.name)
            self._heads[turn.rank] = max(self._heads[turn.rank], turn.start)
            granted.set_result(True)
            self._forget(granted)
        if not self._waiting:
            self._finished.clear()

    def _has_room(self, name: str) -> bool:
        parallel = self.settings.parallel
        return parallel is None or self._held.get(name, 0) < TO_FREE * (parallel - self.open)

    def _opened(self, name: str) -> None:
        self.open += 1
        self._held[name] = self._held.get(name, 0) + 1

    async def _wait(self, turn: Turn, patience_s: float) -> bool:
        granted: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((turn, granted))
        try:
            async with asyncio.timeout(patience_s):
                return await granted
        except TimeoutError:
            return _is_granted(granted)  # in the same moment
        except asyncio.CancelledError:  # its client left
            if _is_granted(granted):
                self.left(turn.name)
            raise
        finally:
            self._forget(granted)

    def _forget(self, granted: asyncio.Future[bool]) -> None:
        self._waiting = [each for each in self._waiting if each[1] is not granted]

    def _turn(self, caller: Caller) -> Turn:
        rank = RANKS[caller.priority]
        start = max(self._heads[rank], self._finished.get((rank, caller.name), 0.0))
        self._number += 1
        return Turn(rank, start, self._number, caller.name)

    def _expected_s(self, turn: Turn) -> float:
        """How long those before it take, if departures go on as they did."""
        ahead = sum(waiting < turn for waiting, _ in self._waiting) + 1
        return ahead * (self._between_s or 0.0)

    def _makes_room(self, turn: Turn) -> bool:
        """Where the queue is full, whoever would come last has to go, and pays nothing for it."""
        if len(self._waiting) < self.settings.waiting:
            return True
        last, refused = max(self._waiting, default=(turn, None))
        if refused is None or last < turn:
            return False
        self._forget(refused)
        self._finished[last.rank, last.name] = last.start
        if not refused.done():  # it may be about to leave
            refused.set_result(False)
        return True


def _is_granted(granted: asyncio.Future[bool]) -> bool:
    return granted.done() and not granted.cancelled() and granted.result()


class Queues:
    """The queue of each model."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._of: dict[str, Queue] = {}

    def of(self, model: str, settings: Queueing) -> Queue:
        queue = self._of.get(model)
        if queue is None:
            queue = self._of[model] = Queue(settings, self._clock)
        if queue.settings is not settings:
            queue.settings = settings
            queue.go_on()
        return queue

    def waiting(self, model: str) -> int:
        queue = self._of.get(model)
        return len(queue) if queue is not None else 0
