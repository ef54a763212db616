"""What the kernel tells of a process."""

import os
from pathlib import Path


class Process:
    def __init__(self, pid: int) -> None:
        self._folder = Path(f"/proc/{pid}")

    @property
    def sockets(self) -> int:
        """Sockets that are open now, those that it listens on among them."""
        links = []
        for entry in (self._folder / "fd").iterdir():
            try:
                links.append(entry.readlink().name)
            except FileNotFoundError:  # closed since it was listed
                continue
        return sum(name.startswith("socket:") for name in links)

    @property
    def threads(self) -> int:
        return len(list((self._folder / "task").iterdir()))

    @property
    def rss_bytes(self) -> int:
        return int((self._folder / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    @property
    def cpu_s(self) -> float:
        """Seconds of a core that it used so far."""
        fields = (self._folder / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
