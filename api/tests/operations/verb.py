"""A verb, run as a person runs it: in a process of its own, its words read as they come."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Self

from tests.operations.stack import Stack
from tests.pages import ROOT

STEP = re.compile(r" *(\d+)\. ")
PYTHONPATH = os.pathsep.join(str(ROOT / each) for each in ("scripts", "api", "vllm/simulator"))


class Verb:
    """`lines` is what it told, `times` when. `at_step` sends a signal as soon as the step of this number is told."""

    def __init__(self, host: Host, *words: str, at_step: tuple[int, int] | None = None) -> None:
        self._at_step = at_step
        self._hung_up = False
        self._began = time.monotonic()
        self.lines: list[str] = []
        self.times: list[float] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "operations", *words],
            cwd=host.folder,
            env=host.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def steps(self) -> list[str]:
        return [STEP.sub("", line) for line in self.lines if STEP.match(line)]

    def wait_for(self, words: str, count: int = 1, seconds: float = 60) -> None:
        """Until it told so often of this."""
        deadline = time.monotonic() + seconds
        while sum(words in line for line in tuple(self.lines)) < count:
            assert time.monotonic() < deadline, self.text
            assert self.process.poll() is None, self.text
            time.sleep(0.02)

    def when(self, words: str) -> float:
        """It first told of this."""
        return next(at for at, line in zip(self.times, self.lines, strict=True) if words in line)

    def wait(self, seconds: float = 100) -> Self:
        self.code = self.process.wait(seconds)
        self.seconds = time.monotonic() - self._began
        self._reader.join(5)
        assert self.process.stdout is not None
        self.out = self.process.stdout.read()
        self.process.stdout.close()
        return self

    def hang_up(self) -> None:
        """Nobody reads any more, and SIGHUP says so."""
        self._hung_up = True
        self.process.send_signal(signal.SIGHUP)

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if self._hung_up:
                break
            self.times.append(time.monotonic())
            self.lines.append(line.rstrip("\n"))
            step = STEP.match(line)
            if step and self._at_step and int(step[1]) == self._at_step[0]:
                self.process.send_signal(self._at_step[1])
                self._at_step = None
        self.process.stderr.close()


class Host:
    """Where verbs are run, with these settings; what they keep is in `state`."""

    def __init__(self, folder: Path, state: Path, **settings: str) -> None:
        self.folder = folder
        self.state = state
        self.environment = {
            **os.environ,
            **settings,
            "PYTHONPATH": PYTHONPATH,
            "PENSTOCK_STATE": str(state),
            "PENSTOCK_WHO": "ada",
        }

    def start(self, *words: str, at_step: tuple[int, int] | None = None) -> Verb:
        return Verb(self, *words, at_step=at_step)

    def run(self, *words: str, at_step: tuple[int, int] | None = None, seconds: float = 100) -> Verb:
        return self.start(*words, at_step=at_step).wait(seconds)

    def audit(self) -> list[dict[str, Any]]:
        path = self.state / "audit.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def under_way(self) -> dict[str, Any] | None:
        found: dict[str, Any] | None = json.loads((self.state / "releases.json").read_text())["under_way"]
        return found


class StackHost(Host):
    """One on a stack of plain processes."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        platform = "tests.operations.processes:processes"
        super().__init__(folder, folder / ".deploy", PENSTOCK_PLATFORM=platform, **stack.environment())
        self.stack = stack
