"""Commands: each shown, each with a limit, each ended with the run that started it."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from operations.errors import StepFailed
from operations.interrupts import Interrupts
from operations.telling import tell

TICK_S = 0.02
LAST_WORDS_S = 5.0


class Shell:
    """Runs commands in `folder`. `look` only reads; `act` changes something, and in a dry run is only shown.

    Commands are in a session of their own, so that Ctrl-C ends them through us and not halfway by itself. They keep
    `held_open`: the lock is not free before the last of them has ended, even if we were killed.
    """

    def __init__(
        self, interrupts: Interrupts, folder: Path, *, dry: bool = False, env: Mapping[str, str] | None = None
    ) -> None:
        self.dry = dry
        self.shows_looks = False
        self.held_open: int | None = None
        self._interrupts = interrupts
        self._folder = folder
        self._env = dict(os.environ if env is None else env)

    def look(self, words: Sequence[str], limit_s: float = 30, *, may_fail: bool = False, says: str = "") -> str:
        """What it prints; it reads `says`, which is not shown. Raises StepFailed if it takes longer, or fails."""
        if self.shows_looks:
            tell(f"    run: {shlex.join(words)}")
        return self._run(words, limit_s, may_fail=may_fail, says=says)

    def act(self, words: Sequence[str], limit_s: float = 300, *, says: str = "") -> str:
        """As `look`, for what changes something. A dry run prints it and gets an empty answer."""
        tell(f"    {'would run' if self.dry else 'run'}: {shlex.join(words)}")
        return "" if self.dry else self._run(words, limit_s, says=says)

    def _run(self, words: Sequence[str], limit_s: float, *, may_fail: bool = False, says: str = "") -> str:
        self._interrupts.check()
        with (
            tempfile.TemporaryFile() as told,
            tempfile.TemporaryFile() as out,
            tempfile.TemporaryFile() as wrong,
        ):
            told.write(says.encode())
            told.seek(0)
            try:
                process = subprocess.Popen(
                    words,
                    cwd=self._folder,
                    env=self._env,
                    stdin=told,
                    stdout=out,
                    stderr=wrong,
                    start_new_session=True,
                    pass_fds=() if self.held_open is None else (self.held_open,),
                )
            except OSError as error:
                raise StepFailed(f"{words[0]} cannot be run: {error}") from None
            try:
                self._wait(process, shlex.join(words), limit_s)
            finally:
                _end(process)
            out.seek(0)
            wrong.seek(0)
            if process.returncode and not may_fail:
                said = wrong.read().decode("utf-8", "replace").strip() or out.read().decode("utf-8", "replace").strip()
                raise StepFailed(f"`{shlex.join(words)}` failed with {process.returncode}: {said[-2000:]}")
            return out.read().decode("utf-8", "replace")

    def _wait(self, process: subprocess.Popen[bytes], words: str, limit_s: float) -> None:
        deadline = time.monotonic() + limit_s
        while process.poll() is None:
            self._interrupts.check()
            if time.monotonic() >= deadline:
                raise StepFailed(f"`{words}` was not done within {limit_s:g} s")
            time.sleep(TICK_S)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(LAST_WORDS_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
