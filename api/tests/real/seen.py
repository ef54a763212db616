"""What can be seen of a running gateway, and done to it, from outside."""

import re
import time
import urllib.request
from collections.abc import Callable


def eventually(true: Callable[[], bool], limit_s: float, what: str) -> None:
    """Wait for another process to come to a state; `what` it failed to do is the message."""
    deadline = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < deadline, f"not within {limit_s} s: {what}"
        time.sleep(0.02)


def metric(url: str, name: str, **labels: str) -> float:
    """The sum of a metric's samples that bear these labels. `name` may be any server's that Prometheus can read."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=10) as reply:
        lines = reply.read().decode().splitlines()
    samples = [line for line in lines if re.match(rf"{name}(\{{| )", line)]
    wanted = [f'{label}="{value}"' for label, value in labels.items()]
    return sum(float(line.rsplit(" ", 1)[1]) for line in samples if all(part in line for part in wanted))


def operate(url: str, target: str, verb: str) -> None:
    """An operator's `breaker/reset`, `drain` or `undrain`."""
    request = urllib.request.Request(f"{url}/admin/targets/{target}/{verb}", method="POST")
    with urllib.request.urlopen(request, timeout=5):
        pass
