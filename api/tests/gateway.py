"""A gateway of one's own: `penstock serve` in a process, its log read as it is written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import yaml

Line = dict[str, Any]


class Gateway:
    """Serves the settings given, on a free port, from `folder`. A context manager; leaving it ends the process."""

    before: tuple[str, ...] = ()
    """A command that becomes the one after it."""
    program: tuple[str, ...] = ("-m", "penstock.cli")

    def __init__(self, folder: Path, settings: Line, *flags: str, env: dict[str, str] | None = None) -> None:
        self.config = folder / "penstock.yaml"
        self.configure(settings)
        command = [
            *self.before,
            sys.executable,
            *self.program,
            "serve",
            "--config",
            str(self.config),
            "--port",
            "0",
            *flags,
        ]
        # What is inherited makes the coverage of the process count.
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, **(env or {})}
        )
        self.lines: list[Line] = []
        self.stray: list[str] = []
        """What was printed that is not the log: there should be none."""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self.url: str = self.wait_for(lambda line: line["event"] == "listening", 60)["url"]
        except BaseException:
            self.kill()
            raise

    def configure(self, settings: Line) -> None:
        """Write the settings' file; `reload` makes the gateway read it."""
        self.config.write_text(yaml.safe_dump(settings))

    def reload(self) -> None:
        self.process.send_signal(signal.SIGHUP)

    def requests(self) -> list[Line]:
        """The log's lines about requests."""
        return [line for line in tuple(self.lines) if line["event"] == "request"]

    def wait_for(self, wanted: Callable[[Line], bool], seconds: float = 10) -> Line:
        """The first line of the log like this, as soon as it is there."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for line in tuple(self.lines):
                if wanted(line):
                    return line
            if self.process.poll() is not None and not self._reader.is_alive():
                break
            time.sleep(0.01)
        raise AssertionError(f"no such line in the log; last: {self.lines[-5:]}; stray: {self.stray[-20:]}")

    def terminate(self) -> None:
        """SIGTERM, without waiting."""
        self.process.terminate()

    def wait(self, seconds: float = 15) -> int:
        """Wait for the end of the process; its exit code."""
        code = self.process.wait(seconds)
        self._reader.join(5)
        return code

    def kill(self) -> None:
        self.process.kill()
        self.wait()
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.wait()
            except subprocess.TimeoutExpired:
                self.kill()
                raise
        self._close()

    def _close(self) -> None:
        if self.process.stdout is not None:
            self.process.stdout.close()

    def heard(self, line: Line) -> None:
        """A line of the log has come."""
        self.lines.append(line)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for raw in self.process.stdout:
            try:
                self.heard(json.loads(raw))
            except ValueError:
                self.stray.append(raw.decode("utf-8", "replace"))


def one_model(replicas: Sequence[str], *, name: str = "tiny", cloud: str | None = None, **more: Any) -> Line:
    """Settings with one model over these replicas, and a cloud behind it if one is given."""
    model: Line = {"name": name, "replicas": [{"url": url} for url in replicas], **more.pop("model", {})}
    settings: Line = {"models": [model], **more}
    if cloud:
        model["fallback"] = [{"cloud": "cloud", "model": "gpt-4o-mini"}]
        settings["clouds"] = {"cloud": {"base_url": f"{cloud}/v1", "api_key_env": "CLOUD_KEY"}}
    return settings
