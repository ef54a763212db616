"""What can be made to go wrong, and for which requests."""

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from random import Random
from typing import Any

KINDS = {
    "slow": "the answer comes `factor` times slower, and `seconds` later",
    "silent": "accepted, with 200 headers for a stream, and then never an event",
    "hang": "accepted, and then not even headers",
    "refuse": "the port is closed and its connections reset, for `seconds` or until it is cleared",
    "reset": "the connection is reset before any byte",
    "cut": "the connection is closed after `after_events` events, without a terminator",
    "stall": "silent after `after_events` events",
    "malformed": "a broken event after `after_events` events; the stream goes on",
    "no_done": "the stream ends after its finish_reason without [DONE]",
    "no_finish": "the stream ends cleanly without finish_reason and [DONE]",
    "error_event": "an error event like that of `status`, and [DONE], after `after_events` events",
    "status": "an error `status`, with Retry-After if `retry_after` is set, spelled as `retry_after_as`",
    "html200": "200 with a page of HTML",
    "oom_die": "an error event or a 500 after `after_events` events, then the process dies",
    "keepalive": "`: keep-alive` comments every `seconds` until the first event",
    "babble": "the answer is free text, whatever form was asked for",
    "brief": "the answer is cut after `after_events` tokens, as by a limit",
    "leave": "the process ends as it does on SIGTERM",
    "xid": "GPU number `gpu` reports the error `xid`",
    "worn": "`rows` rows of the memory of GPU number `gpu` fail and are replaced, as long as there are spare ones",
}
AT_ONCE = ("refuse", "leave")
"""Kinds that happen to the server when they are set, not to a request."""
OF_A_GPU = ("xid", "worn")
"""Kinds that a GPU has until they are cleared, and that no request meets."""


class FaultError(ValueError):
    """A fault that cannot be set."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. It strikes `count` requests at most, each with `probability`, on `path` or on `*`.

    Without a path it strikes the generating routes. `retry_after` is in seconds.
    """

    kind: str
    after_events: int = 3
    probability: float = 1.0
    count: int | None = None
    seconds: float = 0.0
    factor: float = 10.0
    status: int = 500
    retry_after: float | None = None
    retry_after_as: str = "seconds"
    shape: str = "busy"
    path: str | None = None
    seed: int = 0
    gpu: int = 0
    xid: int = 79
    rows: int = 1


_DEFAULT_EVENTS = {"error_event": 0, "oom_die": 0}
_READ = {"int": int, "float": float, "str": str, "int | None": int, "float | None": float, "str | None": str}


def make_fault(given: Mapping[str, Any]) -> Fault:
    """A fault from JSON or from a flag's words. Raises FaultError."""
    known = {one.name: _READ[str(getattr(one.type, "__name__", one.type))] for one in fields(Fault)}
    unknown = sorted(set(given) - set(known))
    if unknown or given.get("kind") not in KINDS:
        raise FaultError(f"unknown: {', '.join(unknown) or given.get('kind')}; kinds: {', '.join(KINDS)}")
    try:
        values = {name: known[name](value) for name, value in given.items() if value is not None}
    except (TypeError, ValueError) as error:
        raise FaultError(str(error)) from error
    return Fault(**{"after_events": _DEFAULT_EVENTS.get(given["kind"], 3), **values})


def parse_fault(text: str) -> Fault:
    """A fault from a flag: `kind,name=value,…`. Raises FaultError."""
    kind, *rest = text.split(",")
    pairs = [part.partition("=") for part in rest]
    return make_fault({"kind": kind, **{name: value for name, _, value in pairs}})


@dataclass(slots=True)
class _Armed:
    fault: Fault
    random: Random
    left: float

    def strikes(self, path: str, generating: bool) -> bool:
        wanted = self.fault.path
        if self.fault.kind in OF_A_GPU:
            return False
        if not (generating if wanted is None else wanted in ("*", path)) or self.left <= 0:
            return False
        if self.fault.probability < 1 and self.random.random() >= self.fault.probability:
            return False
        self.left -= 1
        return True


@dataclass(slots=True)
class Faults:
    """The faults that are set, in order."""

    _armed: list[_Armed] = field(default_factory=list)

    def set(self, fault: Fault) -> None:
        left = float("inf") if fault.count is None else fault.count
        self._armed.append(_Armed(fault, Random(fault.seed), left))

    def clear(self) -> None:
        self._armed.clear()

    def draw(self, path: str, generating: bool) -> dict[str, Fault]:
        """The faults that strike one request, by kind. Each call is a draw."""
        if not self._armed:
            return {}
        return {one.fault.kind: one.fault for one in self._armed if one.strikes(path, generating)}

    def of_gpu(self, number: int) -> list[Fault]:
        """What a GPU has, in the order in which it came."""
        return [one.fault for one in self._armed if one.fault.kind in OF_A_GPU and one.fault.gpu == number]

    def active(self) -> Iterator[dict[str, Any]]:
        """Every fault that may still strike, as it was set; what is left of its count in `left`."""
        defaults = {one.name: one.default for one in fields(Fault) if one.default is not MISSING}
        for one in self._armed:
            if one.left > 0:
                told = {name: value for name, value in asdict(one.fault).items() if value != defaults.get(name)}
                yield {**told, "left": None if one.fault.count is None else int(one.left)}
