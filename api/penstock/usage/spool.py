"""Where an instance's counts are safe until the ledger has them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from secrets import token_hex
from typing import Protocol

from structlog.typing import FilteringBoundLogger

from penstock.settings import SettingsError
from penstock.state.ledger import Sums
from penstock.usage.files import Files, Named, begun, dead, line

LARGE_BYTES = 256 * 1024
"""A file of more is written anew, with a line for each row."""


class Spool(Protocol):
    """Keeps what is counted, by batches, from the first on."""

    name: str
    """The instance's."""
    keeps: bool
    """What it holds outlives the instance."""

    def append(self, row: Named, counts: Sequence[int]) -> None:
        """To the batch that gathers. There is no need to, if it does not keep."""

    def tidy(self, gathered: Sums) -> None:
        """A moment for it to write that batch anew: `gathered` is all of it."""

    def cut(self) -> None:
        """What is appended from now on belongs to the next batch."""

    def drop(self, number: int) -> None:
        """The ledger has that batch for good."""

    def dead(self) -> Iterator[Files]:
        """Those of instances that are no more, each for the first who asks."""

    def close(self, *, empty: bool) -> None:
        """The instance ends. `empty`: the ledger has everything for good."""


def spool_of(folder: str, log: FilteringBoundLogger) -> Spool:
    """None for an empty name. Raises SettingsError."""
    if not folder:
        return NoSpool()
    try:
        return Folder(Path(folder), log)
    except OSError as error:
        raise SettingsError(f"usage_dir cannot be used: {error}") from None


class NoSpool:
    """What the ledger does not have ends with the instance."""

    keeps = False

    def __init__(self) -> None:
        self.name = token_hex(8)

    def append(self, row: Named, counts: Sequence[int]) -> None: ...

    def tidy(self, gathered: Sums) -> None: ...

    def cut(self) -> None: ...

    def drop(self, number: int) -> None: ...

    def dead(self) -> Iterator[Files]:
        return iter(())

    def close(self, *, empty: bool) -> None: ...


class Folder:
    """What is appended is in the kernel's hands at once: it outlives the process, not the host. Raises OSError.

    A folder that fails later holds nobody up: the log says so, and the file is written anew as soon as it can be.
    """

    keeps = True

    def __init__(self, path: Path, log: FilteringBoundLogger) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._log = log
        self._own = begun(path, log)
        self.name = self._own.name
        self._number = 1
        self._fd = -1
        self._size = 0
        self._rewrite_at = LARGE_BYTES
        self._lacking = False
        self._told = False

    def append(self, row: Named, counts: Sequence[int]) -> None:
        data = line(row, counts)
        try:
            if self._fd < 0:
                self._fd = os.open(self._own.path(self._number), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            _write(self._fd, data)
            self._size += len(data)
        except OSError as error:
            self._fail(error)

    def tidy(self, gathered: Sums) -> None:
        if gathered and (self._lacking or self._size >= self._rewrite_at):
            try:
                self._rewrite(gathered)
            except OSError as error:
                self._fail(error)

    def cut(self) -> None:
        self._close()
        self._number += 1
        self._size, self._rewrite_at, self._lacking = 0, LARGE_BYTES, False

    def drop(self, number: int) -> None:
        self._own.drop(number)

    def dead(self) -> Iterator[Files]:
        return dead(self._path, self._log)

    def close(self, *, empty: bool) -> None:
        self._close()
        if empty:
            self._own.remove()
        else:
            self._own.release()

    def _rewrite(self, gathered: Sums) -> None:
        path = self._own.path(self._number)
        aside = path.with_name(f"{path.name}.new")
        data = b"".join(line(row, counts) for row, counts in gathered.items())
        aside.write_bytes(data)
        aside.rename(path)
        self._close()
        self._size, self._rewrite_at = len(data), max(LARGE_BYTES, 2 * len(data))
        self._lacking = self._told = False

    def _fail(self, error: OSError) -> None:
        if not self._told:
            self._log.error("usage not spooled", why=str(error))
        self._lacking = self._told = True
        self._close()

    def _close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _write(fd: int, data: bytes) -> None:
    """At once and all of it. Raises OSError."""
    if os.write(fd, data) < len(data):
        raise OSError("there was no room for all of a line")
