"""One change at a time: a lock that ends with its holder, and tells whose it is."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from operations.errors import Locked, TookTooLong
from operations.patience import Patience


@contextmanager
def locked(path: Path, holder: dict[str, object], patience: Patience, limit_s: float) -> Iterator[int]:
    """Hold the lock; yields the descriptor that holds it. Waits up to the limit, then raises Locked."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:

        def free() -> str:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return _told(path)
            return ""

        try:
            patience.until("the lock", free, limit_s)
        except TookTooLong as error:
            raise Locked(str(error)) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps({**holder, "pid": os.getpid()}).encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def _told(path: Path) -> str:
    holder: dict[str, object] = {}
    with contextlib.suppress(OSError, ValueError):  # it is being written just now
        holder = json.loads(path.read_text())
    pid = holder.get("pid", 0)
    gone = isinstance(pid, int) and not Path(f"/proc/{pid}").exists()
    alive = "which was killed; a command that it started still runs" if gone else "which still runs"
    names = (holder.get(name, "?") for name in ("who", "what", "when"))
    return "held by {}: {}, since {}, ".format(*names) + f"process {pid}, {alive}"
