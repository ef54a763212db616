"""A breaker decides by what it hears and by the clock that it is given."""

import subprocess
import sys

import pytest
from penstock.settings.parts import Breaker as Settings
from penstock.upstream.breaker import Breaker, Hears, Permit, State
from tests.clock import Clock

FEW = Settings(fail_max=3, reset_s=5, reset_max_s=20, window_s=30, window_min=10, window_rate=0.5)


class Room:
    """A breaker, its clock, and the states that it told of."""

    def __init__(self, settings: Settings = FEW) -> None:
        self.clock = Clock()
        self.states: list[State] = []
        self.breaker = Breaker(settings, self.clock, self.states.append)

    def state(self) -> State:
        return self.breaker.state

    def admit(self) -> Permit:
        permit = self.breaker.admit()
        assert permit is not None, self.breaker.state
        return permit

    def hear(self, *reports: Hears) -> None:
        for report in reports:
            self.admit().report(report)

    def trip(self) -> None:
        self.hear(*["failed"] * 3)
        assert self.breaker.state == "open"

    def probe(self) -> Permit:
        """Wait until a probe is let through, and take it."""
        self.clock.advance(self.breaker.retry_in_s)
        permit = self.admit()
        assert self.breaker.state == "half-open"
        return permit


@pytest.fixture
def room() -> Room:
    return Room()


def test_failures_in_a_row_open_it_and_then_nobody_is_let_through(room: Room) -> None:
    room.hear("failed", "failed")
    assert room.state() == "closed"
    room.hear("failed")
    assert room.state() == "open"
    assert room.breaker.admit() is None
    assert room.states == ["open"]


def test_a_success_between_failures_starts_the_row_anew(room: Room) -> None:
    room.hear("failed", "failed", "succeeded", "failed", "failed")
    assert room.state() == "closed"


@pytest.mark.parametrize("silent", ["excused", "nothing"])
def test_what_says_nothing_neither_fails_nor_succeeds(room: Room, silent: Hears) -> None:
    room.hear(*[silent] * 50)
    assert room.state() == "closed"
    room.hear("failed", "failed", silent, "failed")
    assert room.state() == "open", "the row goes on where it was"


def test_every_second_failing_opens_it_once_the_window_holds_enough(room: Room) -> None:
    room.hear(*["succeeded", "failed"] * 4, "succeeded")
    assert room.state() == "closed", "nine outcomes"
    room.hear("failed")
    assert room.state() == "open", "five of ten"


def test_a_rate_below_the_limit_never_opens_it(room: Room) -> None:
    for _ in range(100):
        room.hear("succeeded", "succeeded", "failed")
        room.clock.advance(0.1)
    assert room.state() == "closed"


def test_outcomes_leave_the_window(room: Room) -> None:
    room.hear(*["succeeded", "failed"] * 4)
    room.clock.advance(31)
    room.hear(*["succeeded"] * 6, "failed")
    assert room.state() == "closed", "one failure of seven outcomes"


def test_the_window_starts_anew_when_it_closes(room: Room) -> None:
    room.hear(*["succeeded", "failed"] * 5)
    room.probe().report("succeeded")
    room.hear("failed")
    assert room.state() == "closed"
    room.hear(*["succeeded", "failed"] * 4, "failed")
    assert room.state() == "open", "what went before does not water it down"


def test_a_probe_that_succeeds_closes_it(room: Room) -> None:
    room.trip()
    assert room.breaker.retry_in_s == 5
    room.clock.advance(4.9)
    assert room.breaker.admit() is None
    room.probe().report("succeeded")
    assert room.state() == "closed"
    assert room.breaker.retry_in_s == 0
    assert room.states == ["open", "half-open", "closed"]
    room.hear("failed", "failed")
    assert room.state() == "closed", "the failures of before are forgotten"


def test_half_open_lets_one_through_at_a_time(room: Room) -> None:
    room.trip()
    probe = room.probe()
    assert room.breaker.admit() is None
    probe.report("excused")
    assert room.state() == "half-open", "a busy target was not proven well"
    second = room.admit()
    assert room.breaker.admit() is None
    second.report("succeeded")
    assert room.state() == "closed"


def test_each_failed_probe_doubles_the_time_up_to_the_longest(room: Room) -> None:
    room.trip()
    waits = [room.breaker.retry_in_s]
    for _ in range(4):
        room.probe().report("failed")
        waits.append(room.breaker.retry_in_s)
    assert waits == [5, 10, 20, 20, 20]
    room.probe().report("succeeded")
    room.trip()
    assert room.breaker.retry_in_s == 5, "a success starts it over"


def test_a_target_that_is_dead_for_days_is_still_probed(room: Room) -> None:
    room.trip()
    for _ in range(3000):
        room.probe().report("failed")
    assert room.breaker.retry_in_s == 20


def test_the_longest_time_bounds_the_first_one_too() -> None:
    room = Room(FEW.model_copy(update={"reset_s": 60.0}))
    room.trip()
    assert room.breaker.retry_in_s == 20


def test_reports_that_come_after_it_opened_change_nothing(room: Room) -> None:
    late = [room.admit() for _ in range(4)]
    room.trip()
    late[0].report("succeeded")
    late[1].report("failed")
    assert room.state() == "open"
    assert room.breaker.retry_in_s == 5
    probe = room.probe()
    late[2].report("succeeded")
    late[3].report("failed")
    assert room.state() == "half-open"
    assert room.breaker.admit() is None, "the probe is still out"
    probe.report("succeeded")
    assert room.state() == "closed"


def test_a_permit_is_reported_on_once(room: Room) -> None:
    permit = room.admit()
    for _ in range(10):
        permit.report("failed")
    assert room.state() == "closed"


def test_a_stream_that_broke_after_its_success_is_a_failure_of_its_own(room: Room) -> None:
    for _ in range(2):
        room.breaker.broke_off()
    assert room.state() == "closed"
    room.breaker.broke_off()
    assert room.state() == "open"


def test_reset_closes_it_whatever_it_saw(room: Room) -> None:
    room.trip()
    room.probe()
    room.breaker.reset()
    assert room.state() == "closed"
    room.hear("failed", "failed")
    assert room.state() == "closed"
    room.hear("failed")
    room.probe()
    assert room.breaker.admit() is None, "and a probe is one again"


def test_it_opens_by_hearsay_and_finds_its_own_way_back(room: Room) -> None:
    room.breaker.open()
    room.breaker.open()
    assert room.states == ["open"]
    assert room.breaker.admit() is None
    room.probe().report("succeeded")
    assert room.state() == "closed"


def test_while_another_instance_probes_this_one_does_not(room: Room) -> None:
    room.trip()
    room.clock.advance(6)
    room.breaker.probed_elsewhere = True
    assert room.breaker.admit() is None
    assert room.state() == "open", "no probe, so no half-open that would be told around"
    room.breaker.probe_soon()
    assert room.breaker.admit() is None
    room.breaker.probed_elsewhere = False
    room.admit().report("succeeded")
    assert room.state() == "closed"


def test_reason_to_think_that_it_is_back_brings_the_probe_forward(room: Room) -> None:
    room.trip()
    room.breaker.probe_soon()
    probe = room.admit()
    assert room.breaker.admit() is None
    probe.report("failed")
    assert room.breaker.retry_in_s == 10


def test_reason_to_think_that_it_is_back_opens_no_closed_breaker(room: Room) -> None:
    room.breaker.probe_soon()
    assert room.state() == "closed"
    assert room.states == []


def test_pybreaker_does_not_bring_the_client_of_redis_along() -> None:
    told = "import sys, penstock.app; sys.exit(any(name.partition('.')[0] == 'redis' for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", told], timeout=60, check=False).returncode == 0
