"""A process of the bench: pinned to a core, its output in a file, ended with all that it started."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

CANNOT_START = (RuntimeError, OSError, subprocess.SubprocessError)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Cores:
    """Where the program under test runs, the load, and the back end. Two of them may share one."""

    program: int
    load: int
    backend: int


class Process:
    """Started on entering, with its whole process group ended on leaving."""

    def __init__(
        self,
        command: Sequence[str],
        core: int,
        folder: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.log = folder / f"{Path(command[0]).name}-{time.monotonic_ns()}.log"
        self._command = ["taskset", "-c", str(core), *command]
        self._env = {**os.environ, **(env or {})}
        self._cwd = cwd or folder
        self._folder = folder

    def __enter__(self) -> Self:
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command,
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=self._env,
                cwd=self._cwd,
                start_new_session=True,
            )
        return self

    def __exit__(self, *exception: object) -> None:
        for sign, wait_s in ((signal.SIGTERM, 4), (signal.SIGKILL, 5)):
            try:
                os.killpg(self.pid, sign)
            except ProcessLookupError:
                break
            try:
                self._process.wait(wait_s)
            except subprocess.TimeoutExpired:
                continue

    @property
    def pid(self) -> int:
        """`taskset` becomes the program, so this is the program's."""
        return self._process.pid

    def wait_until(self, ready: Callable[[], bool], limit_s: float) -> None:
        """RuntimeError, with the end of its log, if it ends or is not ready in time."""
        deadline = time.monotonic() + limit_s
        while not ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                told = self.log.read_text(errors="replace").strip().splitlines()[-3:]
                raise RuntimeError("did not start: " + " | ".join(told)[-400:])
            time.sleep(0.1)
