"""What a gateway's log tells of its breakers."""

from datetime import datetime

from tests.gateway import Gateway, Line


def moved(line: Line, state: str, target: str | None = None) -> bool:
    return line["event"] == "breaker moved" and line["state"] == state and target in (None, line["target"])


def count_moves(gateway: Gateway, state: str, target: str | None = None) -> int:
    return sum(moved(line, state, target) for line in tuple(gateway.lines))


def wait_for_open(gateway: Gateway, target: str) -> float:
    """When the target's breaker opened first, in seconds of the epoch; waits for it."""
    line = gateway.wait_for(lambda line: moved(line, "open", target))
    return datetime.fromisoformat(line["timestamp"]).timestamp()
