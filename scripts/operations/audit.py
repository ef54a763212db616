"""The audit: one line of JSON for each change, kept for good."""

from __future__ import annotations

import getpass
import json
import os
import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path


def who() -> str:
    """The person, or what PENSTOCK_WHO says: a pipeline names its own, and a run over ssh the one who began it."""
    told = os.environ.get("PENSTOCK_WHO")
    if told:
        return told
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (KeyError, OSError):  # a container's user may have no name
        return f"{os.getuid()}@{socket.gethostname()}"


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


class Audit:
    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, line: Mapping[str, object]) -> None:
        """Add a line; it is on the disk when this returns."""
        data = (json.dumps(line) + "\n").encode()
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def last(self, count: int) -> list[dict[str, object]]:
        """The newest lines, newest first."""
        try:
            lines = self._path.read_text().splitlines()
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in reversed(lines[-count:])]
