"""Turns: fair between callers, the urgent first, nobody kept waiting for nothing, and every place given back."""

import asyncio
from collections import Counter

import pytest
from penstock.callers.caller import Caller
from penstock.limits.queue import Place, Queue, Queues
from penstock.settings.parts import Queueing
from tests.clock import Clock

LONG = 1e9


def caller(name: str, **fields: object) -> Caller:
    return Caller(name=name, **fields)  # type: ignore[arg-type]


class Line:
    """A queue, and who came through it in which order."""

    def __init__(self, **settings: object) -> None:
        self.clock = Clock()
        self.queue = Queue(Queueing.model_validate({"parallel": 1, "wait_s": 60, **settings}), self.clock)
        self.order: list[str] = []
        self.refused: dict[str, float] = {}
        self.places: list[Place] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def come(self, who: Caller, label: str = "", cost: float = 1) -> None:
        label = label or who.name
        self.tasks[label] = asyncio.create_task(self._enter(who, label, cost))
        await self.settle()

    async def _enter(self, who: Caller, label: str, cost: float) -> None:
        place = await self.queue.enter(who, cost, LONG)
        if isinstance(place, Place):
            self.order.append(label)
            self.places.append(place)
        else:
            self.refused[label] = place

    async def next(self, after_s: float = 1) -> None:
        """The one that has been there longest leaves."""
        self.clock.advance(after_s)
        self.places.pop(0).leave()
        await self.settle()

    async def settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    async def drain(self) -> None:
        while self.places:
            await self.next()
        assert (self.queue.open, len(self.queue)) == (0, 0)


async def test_nobody_waits_while_there_are_places() -> None:
    line = Line(parallel=3)
    for name in "abc":
        await line.come(caller(name))
    assert line.order == ["a", "b", "c"]
    await line.come(caller("d"))
    assert len(line.queue) == 1
    await line.next()
    assert line.order[-1] == "d"
    await line.drain()


async def test_one_that_floods_waits_for_itself() -> None:
    line = Line()
    for at in range(40):
        await line.come(caller("noisy"), f"noisy-{at}")
    await line.come(caller("quiet"))
    await line.next()
    await line.next()
    assert "quiet" in line.order[:3]
    await line.drain()
    assert len(line.order) == 41


async def test_one_that_floods_leaves_places_to_others() -> None:
    line = Line(parallel=64)
    for at in range(100):
        await line.come(caller("noisy"), f"noisy-{at}")
    assert (line.queue.open, len(line.queue)) == (57, 43)
    for at in range(4):
        await line.come(caller("quiet"), f"quiet-{at}")
    assert line.order[57:] == [f"quiet-{at}" for at in range(4)], "nobody waited"
    await line.next()
    assert (line.queue.open, len(line.queue)) == (60, 43), "noisy has still eight times what is free"
    for _ in range(5):
        await line.next()
    assert line.queue.open > 57
    await line.drain()
    assert len(line.order) == 104


async def test_a_place_that_is_not_for_the_first_in_the_line_is_for_the_next() -> None:
    line = Line(parallel=18)
    for at in range(20):
        await line.come(caller("noisy", priority="high"), f"noisy-{at}")
    for at in range(4):
        await line.come(caller(f"quiet-{at}"))
    assert line.order[16:] == ["quiet-0", "quiet-1"]
    line.places.pop().leave()
    await line.settle()
    assert line.order[18:] == ["quiet-2"]
    await line.drain()


async def test_turns_are_by_weight_and_by_what_is_asked() -> None:
    line = Line(waiting=1000)
    await line.come(caller("first"))
    for at in range(60):
        await line.come(caller("heavy", weight=3), f"heavy-{at}", cost=100)
        await line.come(caller("light"), f"light-{at}", cost=100)
        await line.come(caller("long"), f"long-{at}", cost=400)
    for _ in range(52):
        await line.next()
    turns = Counter(label.split("-")[0] for label in line.order[1:])
    assert abs(turns["heavy"] - 3 * turns["light"]) <= 3
    assert abs(turns["light"] - 4 * turns["long"]) <= 4
    await line.drain()


async def test_the_urgent_go_first_however_late_they_come() -> None:
    line = Line()
    for name, priority in (("x", "low"), ("a", "low"), ("b", "normal"), ("c", "high"), ("d", "low")):
        await line.come(caller(name, priority=priority))
    await line.drain()
    assert line.order == ["x", "c", "b", "a", "d"]


async def test_a_full_queue_lets_the_last_go() -> None:
    line = Line(waiting=2)
    await line.come(caller("open"))
    await line.come(caller("noisy"), "noisy-1")
    await line.come(caller("noisy"), "noisy-2")
    await line.come(caller("noisy"), "noisy-3")
    assert set(line.refused) == {"noisy-3"}
    await line.come(caller("quiet"))
    assert set(line.refused) == {"noisy-3", "noisy-2"}
    assert line.refused["noisy-3"] >= 1
    await line.drain()
    assert line.order == ["open", "noisy-1", "quiet"]


async def test_who_was_refused_has_not_had_its_turn() -> None:
    line = Line(waiting=4)
    await line.come(caller("open"))
    for at in range(100):
        await line.come(caller("noisy"), f"noisy-{at}")
        await line.come(caller("quiet"), f"quiet-{at}")
        if at >= 60:  # before, one of them floods and nobody is let in
            await line.next()
        else:
            await line.come(caller("noisy"), f"more-{at}")
    turns = Counter("quiet" if label.startswith("quiet") else "noisy" for label in line.order[5:])
    assert abs(turns["noisy"] - turns["quiet"]) <= 2
    await line.drain()


async def test_one_that_is_leaving_can_be_the_one_that_has_to_go() -> None:
    line = Line(waiting=1)
    await line.come(caller("open"))
    await line.come(caller("noisy"), "noisy-1")
    await line.come(caller("noisy"), "noisy-2")
    urgent = asyncio.create_task(line._enter(caller("urgent", priority="high"), "urgent", 1))
    line.tasks["noisy-1"].cancel()
    await line.settle()
    await line.drain()
    await urgent
    assert line.order == ["open", "urgent"]


async def test_it_learns_that_departures_are_faster_though_it_lets_nobody_wait() -> None:
    line = Line(wait_s=5)
    for at in range(3):
        await line.come(caller("a"), f"a-{at}")
    for _ in range(2):
        await line.next(after_s=30)
    await line.come(caller("b"), "b-0")
    assert set(line.refused) == {"b-0"}
    for at in range(1, 30):
        await line.next(after_s=0.1)
        await line.come(caller("a"), f"open-{at}")
        await line.come(caller("b"), f"b-{at}")
    assert "b-29" not in line.refused
    await line.drain()


async def test_what_cannot_be_in_time_is_refused_at_once() -> None:
    line = Line(wait_s=10)
    for at in range(6):
        await line.come(caller("a"), f"a-{at}")
    for _ in range(2):
        await line.next(after_s=4)  # so a departure takes four seconds
    assert len(line.queue) == 3
    await line.come(caller("b"), "b-late", cost=1)
    await line.come(caller("a"), "a-late")
    assert set(line.refused) == {"a-late"}, "b's turn comes before a's last"
    assert line.refused["a-late"] == pytest.approx(5 * 4)
    await line.drain()


async def test_who_waits_too_long_is_refused() -> None:
    line = Line(wait_s=0.01)
    await line.come(caller("a"))
    place = await line.queue.enter(caller("b"), 1, LONG)
    assert place == 1.0
    await line.drain()


async def test_who_leaves_the_queue_is_forgotten_and_one_who_leaves_with_a_place_gives_it_back() -> None:
    line = Line()
    await line.come(caller("a"))
    await line.come(caller("b"))
    await line.come(caller("c"))
    line.tasks["b"].cancel()
    await line.settle()
    assert len(line.queue) == 1
    line.places.pop(0).leave()  # c has its place now, and has not heard of it
    line.tasks["c"].cancel()
    await line.settle()
    assert (line.queue.open, len(line.queue), line.order) == (0, 0, ["a"])


async def test_a_place_is_left_once() -> None:
    line = Line()
    await line.come(caller("a"))
    place = line.places.pop()
    place.leave()
    place.leave()
    assert line.queue.open == 0


async def test_it_remembers_nobody_when_nobody_waits() -> None:
    line = Line()
    for at in range(30):
        await line.come(caller(f"caller-{at}"))
    await line.drain()
    assert not line.queue._finished


async def test_who_waits_has_the_places_that_new_settings_bring() -> None:
    line, queues = Line(), Queues(Clock())
    line.queue = queues.of("chat", Queueing(parallel=1))
    for name in "abcd":
        await line.come(caller(name))
    queues.of("chat", Queueing(parallel=3))
    await line.settle()
    assert line.order == ["a", "b", "c"]
    await line.drain()


def test_settings_are_taken_up() -> None:
    queues = Queues(Clock())
    queue = queues.of("chat", Queueing(parallel=1))
    assert queues.of("chat", Queueing(parallel=9)) is queue
    assert queue.settings.parallel == 9
    assert queues.waiting("other") == 0
