"""What the kernel says of a process and all of its children."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
PPID, UTIME, STIME, RSS = 1, 11, 12, 21  # fields of /proc/PID/stat, counted from the state


def cpu_s(pid: int) -> float:
    """Seconds of processor time, user and system, that the process and its living children have used."""
    return sum(int(stat[UTIME]) + int(stat[STIME]) for stat in _tree(pid)) / TICKS


def rss_mb(pid: int) -> float:
    """Resident memory of the process and its children, in megabytes; what they share counts for each."""
    return sum(int(stat[RSS]) for stat in _tree(pid)) * PAGE / 2**20


def busy_s(core: int) -> float:
    """Seconds that this core was not idle, whoever used it, or was taken from this machine by its host."""
    lines = Path("/proc/stat").read_text().splitlines()
    line = next(line for line in lines if line.startswith(f"cpu{core} "))
    user, nice, system, _, _, *interrupts = map(int, line.split()[1:9])
    return (user + nice + system + sum(interrupts)) / TICKS


def _tree(root: int) -> list[list[str]]:
    stats: dict[int, list[str]] = {}
    children: defaultdict[int, list[int]] = defaultdict(list)
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                stat = (folder / "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue  # it ended while we looked
            stats[int(folder.name)] = stat
            children[int(stat[PPID])].append(int(folder.name))
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        if pid in stats:
            found.append(stats[pid])
            waiting += children[pid]
    return found
