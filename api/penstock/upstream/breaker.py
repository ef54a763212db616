"""A circuit breaker for one target: ask leave with `admit`, then report on the permit.

pybreaker keeps the states. It cannot wrap an await (it counts a coroutine as a success) and lets everyone
through when half-open: so permit and report are two steps, and half-open, one permit is out at a time.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Literal, cast

from penstock.settings.parts import Breaker as BreakerSettings
from penstock.upstream.pybreaker_alone import pybreaker
from penstock.upstream.window import Window

State = Literal["closed", "half-open", "open"]


Hears = Literal["succeeded", "failed", "excused", "nothing"]
"""What a breaker is told of an attempt. `excused`: it says nothing about the target's health, which was busy, or the
client left."""


class Permit:
    """Leave for one attempt. It is reported on exactly once; later reports change nothing."""

    __slots__ = ("_breaker", "_probe")

    def __init__(self, breaker: Breaker, *, probe: bool) -> None:
        self._breaker: Breaker | None = breaker
        self._probe = probe

    def report(self, hears: Hears) -> None:
        breaker, self._breaker = self._breaker, None
        if breaker is not None:
            breaker.returned(hears, probe=self._probe)


class Breaker:
    """`changed` hears each new state. `clock` is monotonic, in seconds."""

    def __init__(self, settings: BreakerSettings, clock: Callable[[], float], changed: Callable[[State], None]) -> None:
        self._settings = settings
        self._clock = clock
        self._changed = changed
        self._machine = pybreaker.CircuitBreaker(fail_max=settings.fail_max, listeners=[_Listener(self._moved)])
        self._outcomes = Window(settings.window_s)
        self._failures = Window(settings.window_s)
        self._opened_at = 0.0
        self._open_s = self._first_open_s = min(settings.reset_s, settings.reset_max_s)
        self._probing = self._failed_last = False
        self._state: State = "closed"
        self.probed_elsewhere = False
        """Another instance is probing: leave it to that one."""

    @property
    def state(self) -> State:
        return self._state

    @property
    def shown(self) -> State:
        """The state for whoever looks: an open one whose time is over lets the next call probe, if one ever comes."""
        return "half-open" if self._state == "open" and not self.retry_in_s else self._state

    @property
    def retry_in_s(self) -> float:
        """Seconds until an open breaker lets a probe through."""
        if self.state != pybreaker.STATE_OPEN:
            return 0.0
        return max(0.0, self._opened_at + self._open_s - self._clock())

    def admit(self) -> Permit | None:
        """Leave to try the target; None when it is open, or when another call is probing it."""
        state = self._state
        if state == "closed":
            return Permit(self, probe=False)
        if state == pybreaker.STATE_OPEN:
            if self.retry_in_s > 0:
                return None
            if self.probed_elsewhere:
                return None
            self._machine.half_open()
        if self._probing or self.probed_elsewhere:
            return None
        self._probing = True
        return Permit(self, probe=True)

    def returned(self, hears: Hears, *, probe: bool) -> None:
        """A permit's report. In half-open only the probe's counts: others began before it opened."""
        if probe:
            self._probing = False
        if probe or self._state != "half-open":
            self._hear(hears)

    def broke_off(self) -> None:
        """A stream failed after its first event: one more failure, though its permit was reported on."""
        if self.state != pybreaker.STATE_HALF_OPEN:  # it began before this opened
            self._hear("failed")

    def _hear(self, hears: Hears) -> None:
        if self._state == "open":
            return
        if hears == "succeeded":
            self._outcomes.add(self._clock())
            if self._failed_last or self._state != "closed":  # else pybreaker has nothing to change
                self._failed_last = False
                self._machine.call(_succeed)
        elif hears == "failed":
            self._outcomes.add(self._clock())
            self._failures.add(self._clock())
            self._fail()

    def _fail(self) -> None:
        self._failed_last = True
        probing = self.state == pybreaker.STATE_HALF_OPEN
        with contextlib.suppress(_Failure, pybreaker.CircuitBreakerError):
            self._machine.call(_fail)
        if probing:
            self._open_s = min(2 * self._open_s, self._settings.reset_max_s)
        elif self._too_many():
            self._machine.open()

    def _too_many(self) -> bool:
        outcomes = self._outcomes.total(self._clock())
        failures = self._failures.total(self._clock())
        closed = self.state == pybreaker.STATE_CLOSED
        return closed and outcomes >= self._settings.window_min and failures >= self._settings.window_rate * outcomes

    def open(self) -> None:
        """Open it on another's word."""
        if self.state != pybreaker.STATE_OPEN:
            self._machine.open()

    def reset(self) -> None:
        """Close it, whatever it saw."""
        self._probing = False
        self._machine.close()

    def probe_soon(self) -> None:
        """There is reason to think that the target is back: the next call may probe it."""
        if self.state == pybreaker.STATE_OPEN:
            self._machine.half_open()

    def _moved(self, state: State) -> None:
        self._state = state
        if state == pybreaker.STATE_OPEN:
            self._opened_at = self._clock()
        elif state == pybreaker.STATE_CLOSED:
            self._open_s = self._first_open_s
            self._outcomes.clear()
            self._failures.clear()
        self._changed(state)


class _Listener(pybreaker.CircuitBreakerListener):
    def __init__(self, moved: Callable[[State], None]) -> None:
        self._moved = moved

    def state_change(
        self,
        cb: pybreaker.CircuitBreaker,
        old_state: pybreaker.CircuitBreakerState | None,
        new_state: pybreaker.CircuitBreakerState,
    ) -> None:
        if old_state is None or old_state.name != new_state.name:
            self._moved(cast(State, new_state.name))


class _Failure(Exception):
    """How pybreaker is told of a failure."""


def _fail() -> None:
    raise _Failure


def _succeed() -> None:
    """How pybreaker is told of a success."""
