"""Running the text of a page: as someone would who pastes it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from drills.page import ROOT

BLOCK_S = 300


@dataclass(frozen=True, slots=True)
class Done:
    code: int
    out: str

    @property
    def well(self) -> bool:
        return self.code == 0


def run(script: str, env: Mapping[str, str], limit_s: float = BLOCK_S) -> Done:
    """What it prints on both streams. It stops at the first command that fails; at the limit it is killed, with 124.

    What it leaves in the background goes on, as it would after a paste.
    """
    process = subprocess.Popen(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=ROOT,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        out, _ = process.communicate(timeout=limit_s)
    except BaseException as error:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        out, _ = process.communicate()
        if not isinstance(error, subprocess.TimeoutExpired):
            raise
        return Done(124, f"{out}\nnot done within {limit_s:g} s")
    return Done(process.returncode, out)
