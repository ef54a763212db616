"""The last things that happened to the instance, as sentences, out of the lines of its log."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from structlog.typing import EventDict, WrappedLogger

KEPT = 50


class Incident(NamedTuple):
    """`at`: UTC, as in the log."""

    at: str
    says: str


def _target_moved(line: EventDict) -> str:
    return f"{line['target']} is {'up again' if line['up'] else 'down'}."


def _store_moved(line: EventDict) -> str:
    return "Redis answers again." if line["up"] else "Redis went away: the instance works from its own memory."


SENTENCES: dict[str, Callable[[EventDict], str]] = {
    "listening": lambda line: "The instance started.",
    "breaker moved": lambda line: f"{line['target']}: its breaker is {line['state']}.",
    "target moved": _target_moved,
    "store moved": _store_moved,
    "reloaded": lambda line: f"The settings were read again; {len(line['targets'])} targets.",
    "reload refused": lambda line: "New settings were refused, and the old ones stay; the log says why.",
    "draining": lambda line: "The instance is draining.",
    "admin": lambda line: f"{line['target']}: an operator did {line['action']}.",
    "bug": lambda line: f"A bug of ours in {line['request_id']}; the log has it.",
    "background task failed": lambda line: "A background task failed and goes on; the log has it.",
}
"""By the event in the log. None tells why: an address or a setting's value may stand there."""


class Incidents:
    """A processor of structlog's, beside the others: it keeps what has a sentence, and changes nothing."""

    def __init__(self) -> None:
        self._last: deque[Incident] = deque(maxlen=KEPT)

    def __call__(self, logger: WrappedLogger, method: str, line: EventDict) -> EventDict:
        del logger, method
        sentence = SENTENCES.get(line["event"])
        if sentence is not None:
            self._last.append(Incident(line["timestamp"], sentence(line)))
        return line

    @property
    def newest_first(self) -> Sequence[Incident]:
        return tuple(reversed(self._last))
