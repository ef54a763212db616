"""A light load for as long as a drill lasts: most alerts look at requests."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from drills.page import ROOT

RATE = 8
TOKENS = 20
WITH_US = ("setpriv", "--pdeathsig", "KILL")
"""Even if we are killed, no load is left behind."""
LOAD = ("scripts/load_test", "--insecure", "--model", "chat", "--streams", "0.75", "--seconds", "86400")


@contextmanager
def traffic(env: Mapping[str, str]) -> Iterator[None]:
    """Requests for `chat` at EDGE with the key PENSTOCK_KEY, whatever becomes of them."""
    words = [*WITH_US, *LOAD, "--url", env["EDGE"], "--rate", str(RATE), "--answer-tokens", str(TOKENS)]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(words, cwd=ROOT, env=dict(env), stdout=quiet, stderr=quiet, start_new_session=True)
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
