"""What can go wrong, and the exit code that says so."""

from __future__ import annotations

import signal

DONE = 0
FAILED = 1
TOO_LITTLE_DATA = 2
LOCKED = 3
NOT_PUT_BACK = 4
CANNOT_ASK = 5
WRONG_USE = 64


class OperationError(Exception):
    """A verb cannot go on. The message is for the person who ran it."""

    code = FAILED


class StepFailed(OperationError):
    """A command failed, or an instance did not do what was asked of it."""


class TookTooLong(OperationError):
    """A wait reached its limit."""


class Breach(OperationError):
    """The new version does worse than it may. The message has the numbers."""


class TooLittleData(OperationError):
    """Nothing can be said about the new version, and nothing is guessed."""

    code = TOO_LITTLE_DATA


class Locked(OperationError):
    """Another run holds the lock."""

    code = LOCKED


class CannotAsk(OperationError):
    """The platform or Prometheus does not answer, or not in a way that can be understood. Nothing was touched."""

    code = CANNOT_ASK


class WrongUse(OperationError):
    """What was asked for makes no sense here. Nothing was touched."""

    code = WRONG_USE


class Interrupted(OperationError):
    """A signal came."""

    def __init__(self, number: int) -> None:
        super().__init__(f"interrupted by {signal.Signals(number).name}")
        self.code = 128 + number
