"""A real Chromium with one page, driven by lines of JavaScript."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, Self

DRIVER = Path(__file__).parent / "driver"


class Chromium:
    """A context manager."""

    def __init__(self, node: str, program: str) -> None:
        command = [node, str(DRIVER / "drive.mjs"), program]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, script: str, **given: Any) -> Any:
        """What the script returns, which knows `page`, `seen`, and what is given. AssertionError if it fails."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        names = "".join(f"const {name} = {json.dumps(value)};" for name, value in given.items())
        self._process.stdin.write(json.dumps(names + script) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the browser is gone"
        answer = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer["value"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
