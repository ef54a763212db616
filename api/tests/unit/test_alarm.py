"""An alarm rings when it should, and makes timers only when it must."""

import asyncio
import heapq
from collections.abc import Callable
from typing import Any, cast

import pytest
from penstock.upstream.alarm import Alarm


class Handle:
    def __init__(self) -> None:
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Loop:
    """A loop whose clock is turned by hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[tuple[float, int, Handle, Callable[..., object], tuple[Any, ...]]] = []
        self.made = 0

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, then: Callable[..., object], *given: Any) -> Handle:
        self.made += 1
        handle = Handle()
        heapq.heappush(self.timers, (when, self.made, handle, then, given))
        return handle

    def call_soon(self, then: Callable[..., object], *given: Any) -> Handle:
        return self.call_at(self.now, then, *given)

    def turn_to(self, when: float) -> None:
        while self.timers and self.timers[0][0] <= when:
            due, _, handle, then, given = heapq.heappop(self.timers)
            self.now = max(self.now, due)
            if not handle.cancelled:
                then(*given)
        self.now = when


class Rung(list[str]):
    def by(self, name: str) -> Callable[[], None]:
        return lambda: self.append(name)


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture
def alarm(loop: Loop) -> Alarm:
    return Alarm(cast(asyncio.AbstractEventLoop, loop))


def test_it_rings_once_at_its_time(loop: Loop, alarm: Alarm) -> None:
    rung = Rung()
    alarm.set(5, rung.by("a"))
    loop.turn_to(4.9)
    assert rung == []
    loop.turn_to(5)
    loop.turn_to(100)
    assert rung == ["a"]


@pytest.mark.parametrize("later", [3.0, 5.0, 8.0])
def test_it_rings_at_what_was_set_last(loop: Loop, alarm: Alarm, later: float) -> None:
    rung = Rung()
    alarm.set(5, rung.by("a"))
    alarm.set(later, rung.by("b"))
    loop.turn_to(later - 0.1)
    assert rung == []
    loop.turn_to(later)
    loop.turn_to(100)
    assert rung == ["b"]


def test_one_that_was_cleared_does_not_ring_and_can_be_set_again(loop: Loop, alarm: Alarm) -> None:
    rung = Rung()
    alarm.set(5, rung.by("a"))
    alarm.clear()
    loop.turn_to(6)
    alarm.set(8, rung.by("b"))
    alarm.clear()
    alarm.set(9, rung.by("c"))
    loop.turn_to(100)
    assert rung == ["c"]


def test_waits_that_end_in_time_share_a_timer(loop: Loop, alarm: Alarm) -> None:
    rung = Rung()
    for second in range(50):
        loop.turn_to(second)
        alarm.set(second + 60, rung.by("late"))
        alarm.clear()
    assert loop.made == 1
    loop.turn_to(1000)
    assert rung == []
    assert not loop.timers


def test_one_that_is_closed_leaves_no_timer_and_does_not_ring(loop: Loop, alarm: Alarm) -> None:
    rung = Rung()
    alarm.set(5, rung.by("a"))
    alarm.close()
    assert all(timer[2].cancelled for timer in loop.timers)
    loop.turn_to(100)
    assert rung == []


@pytest.mark.parametrize("again", [5.0, 5.5, 7.0])
def test_one_that_is_set_while_it_was_about_to_ring_rings_for_the_new_wait_only(
    loop: Loop, alarm: Alarm, again: float
) -> None:
    """Between the timer and what it does there is a read, which may end the wait that it was for."""
    rung = Rung()
    loop.call_at(5, lambda: alarm.set(again, rung.by("b")))
    alarm.set(5, rung.by("a"))
    loop.turn_to(again - 0.1)
    loop.turn_to(again)
    loop.turn_to(100)
    assert rung == ["b"]


def test_a_timer_that_is_a_moment_early_is_in_time(loop: Loop, alarm: Alarm) -> None:
    rung = Rung()
    alarm.set(5.0004, rung.by("a"))
    _, made, handle, then, given = loop.timers.pop()
    loop.timers.append((5.0, made, handle, then, given))
    loop.turn_to(5.0)
    assert rung == ["a"]
