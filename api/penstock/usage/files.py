"""The files of one instance in a folder that the instances of a host share.

An instance has a random name. It holds a lock on `<name>.lock` for its life; `<name>.<number>` has the counts of the
batch of that number, a JSON list a line. A lock that can be had is that of a dead instance.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from secrets import token_hex

import orjson
from structlog.typing import FilteringBoundLogger

from penstock.state.ledger import Batch, Counts, Row, Sums

LOCK = ".lock"
Named = tuple[date, str, str]
"""A Row, or what one is made of."""


class Files:
    """Of an instance, alive or dead. Whoever has this holds its lock."""

    def __init__(self, lock: Path, fd: int, log: FilteringBoundLogger) -> None:
        self.name = lock.name.removesuffix(LOCK)
        self._lock = lock
        self._fd = fd
        self._log = log

    def path(self, number: int) -> Path:
        return self._lock.with_name(f"{self.name}.{number}")

    def batches(self) -> list[Batch]:
        """What they hold, in order. A line that was not written whole is left out, and the log says so."""
        ends = (path.name.removeprefix(f"{self.name}.") for path in self._all())
        return [Batch(number, self._sums(number)) for number in sorted(int(end) for end in ends if end.isdigit())]

    def drop(self, number: int) -> None:
        self.path(number).unlink(missing_ok=True)

    def remove(self) -> None:
        """All of them, the lock last."""
        for path in self._all():
            if path != self._lock:
                path.unlink(missing_ok=True)
        self._lock.unlink(missing_ok=True)
        self.release()

    def release(self) -> None:
        """Leave them to whoever takes the lock next."""
        os.close(self._fd)

    def _all(self) -> list[Path]:
        return list(self._lock.parent.glob(f"{self.name}.*"))

    def _sums(self, number: int) -> Sums:
        sums: dict[Row, Counts] = {}
        for line in self.path(number).read_bytes().splitlines():
            try:
                day, caller, model, *counts = orjson.loads(line)
                row, more = Row(date.fromisoformat(day), caller, model), Counts(*counts)
            except (ValueError, TypeError):
                self._log.warning("usage torn", file=self.path(number).name, bytes=len(line))
            else:
                sums[row] = more.plus(sums.get(row, Counts()))
        return sums


def line(row: Named, counts: Sequence[int]) -> bytes:
    """As the files have it."""
    return orjson.dumps([*row, *counts], option=orjson.OPT_APPEND_NEWLINE)


def begun(folder: Path, log: FilteringBoundLogger) -> Files:
    """Those of a new instance. Raises OSError."""
    while True:
        files = _locked(folder / f"{token_hex(8)}{LOCK}", os.O_RDWR | os.O_CREAT | os.O_EXCL, log)
        if files is not None:  # else another took it for a dead one's before it was locked
            return files


def dead(folder: Path, log: FilteringBoundLogger) -> Iterator[Files]:
    """Those of instances that are no more, each for the first who asks."""
    for lock in folder.glob(f"*{LOCK}"):
        if files := _locked(lock, os.O_RDWR, log):
            yield files


def _locked(path: Path, flags: int, log: FilteringBoundLogger) -> Files | None:
    """None if another holds it, or has held and removed it."""
    try:
        fd = os.open(path, flags, 0o600)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    if os.fstat(fd).st_nlink == 0:
        os.close(fd)
        return None
    return Files(path, fd, log)
