"""Python processes whose instructions are counted: a figure that a busy machine does not change."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

TOTAL = re.compile(r"^(?:totals|summary): (\d+)", re.MULTILINE)
INHERITED = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
"""What measures coverage would be counted too."""


class Counted:
    """A Python process under callgrind, which counts only while told to: its start takes seconds, not minutes."""

    def __init__(self, valgrind: str, folder: Path, *arguments: str, env: dict[str, str] | None = None) -> None:
        self._folder = folder
        self._dumps = f"counted-{time.monotonic_ns()}"
        flags = ["--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={folder / self._dumps}"]
        with (folder / f"{self._dumps}.log").open("wb") as log:
            self._process = subprocess.Popen(
                [valgrind, *flags, sys.executable, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**INHERITED, "PYTHONHASHSEED": "0", **(env or {})},
                text=True,
            )
        self._seen = 0

    def say(self, word: str) -> None:
        assert self._process.stdin is not None
        print(word, file=self._process.stdin, flush=True)

    def wait_for(self, word: str) -> str:
        """The next line with this word in it."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if word in line:
                return line
        raise AssertionError(f"it ended before it said {word!r}")

    def count(self, work: Callable[[], object]) -> int:
        """The instructions that it ran while `work` lasted."""
        self._control("-i", "on")
        self._control("-z")
        work()
        self._control("--dump")
        self._control("-i", "off")
        self._seen += 1
        return int(TOTAL.findall((self._folder / f"{self._dumps}.{self._seen}").read_text())[-1])

    def _control(self, *words: str) -> None:
        subprocess.run(
            ["callgrind_control", *words, str(self._process.pid)], check=True, capture_output=True, timeout=60
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.kill()
        self._process.communicate()
