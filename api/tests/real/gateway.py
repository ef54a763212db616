"""The gateway as its operators run it: a process of its own, configured by its environment and a file."""

import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from tests.servers import free_port

ROOT = Path(__file__).parents[3]


def eventually(true: Callable[[], bool], limit_s: float, what: str) -> None:
    """Wait for another process to come to a state; what it failed to do is the message."""
    deadline = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < deadline, f"not within {limit_s} s: {what}"
        time.sleep(0.02)


class Gateway:
    def __init__(self, log: Path, **settings: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.base_url = f"{self.url}/v1"
        self._log = log
        paths = os.pathsep.join([str(ROOT / "api"), str(ROOT / "vllm" / "simulator")])
        kept = {name: value for name, value in os.environ.items() if name == "PATH" or name.startswith("COV")}
        self._environment = {**kept, "PYTHONPATH": paths, **settings}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "penstock.cli", "serve", "--host", "127.0.0.1", "--port", str(self.port)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)
        eventually(self.ready, 30, "the gateway is ready")

    def ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"the gateway did not start: {self._log.read_text()[-2000:]}"
        try:
            with urllib.request.urlopen(f"{self.url}/health/ready", timeout=2):
                return True
        except OSError:
            return False

    def stop(self) -> None:
        """End it as an orchestrator does; it must end well."""
        assert self._process is not None
        self._process.terminate()
        assert self._process.wait(30) == 0, self._log.read_text()[-2000:]

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that bear these labels."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=5) as reply:
            lines = reply.read().decode().splitlines()
        samples = [line for line in lines if re.match(rf"{name}(\{{| )", line)]
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        return sum(float(line.rsplit(" ", 1)[1]) for line in samples if all(part in line for part in wanted))

    def admin(self, target: str, verb: str) -> None:
        """An operator's `breaker/reset`, `drain` or `undrain`."""
        request = urllib.request.Request(f"{self.url}/admin/targets/{target}/{verb}", method="POST")
        with urllib.request.urlopen(request, timeout=5):
            pass
