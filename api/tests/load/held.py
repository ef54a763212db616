"""What a gateway's process holds: sockets, tasks, threads."""

import signal
import time
from pathlib import Path
from typing import NamedTuple

from tests.gateway import Gateway, Line
from tests.load.process import Process


class TellingGateway(Gateway):
    """Forgets what it logs of requests, and tells of its tasks."""

    program = (str(Path(__file__).with_name("telling.py")),)

    def heard(self, line: Line) -> None:
        if line["event"] != "request":
            super().heard(line)

    def tasks(self) -> int:
        """How many tasks its loop has now."""
        told = len(self.lines)
        self.process.send_signal(signal.SIGUSR1)
        self.wait_for(lambda line: line in self.lines[told:] and line["event"] == "tasks")
        return int(next(line["count"] for line in self.lines[told:] if line["event"] == "tasks"))


class Held(NamedTuple):
    """What a gateway holds that it gets anew with each request or connection."""

    sockets: int
    tasks: int
    threads: int


def held(gateway: TellingGateway) -> Held:
    process = Process(gateway.process.pid)
    return Held(process.sockets, gateway.tasks(), process.threads)


def least_held(gateway: TellingGateway, like: Held | None = None, seconds: float = 20) -> Held:
    """The least that it held at any moment, until it is like that: what its watcher holds comes and goes."""
    deadline = time.monotonic() + seconds
    least = held(gateway)
    while time.monotonic() < deadline and least != like:
        time.sleep(0.1)
        least = Held(*map(min, least, held(gateway)))
    return least
