"""What a run found, as a table for the terminal and as a page of the docs with its plot."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from statistics import median

from benchmark.backends import Bench
from benchmark.chart import Panel, draw
from benchmark.programs import PENSTOCK, PROGRAMS
from benchmark.run import Results, takes_part
from benchmark.targets import TARGETS, of, ratio
from benchmark.workloads import WORKLOADS, Column, Workload

PAGE = Path(__file__).with_name("page.md")
PLOTTED = {"small": "CPU µs per chat request", "streams-200": "CPU µs per stream of 65 events"}
PLOTTED["function"] = "CPU µs per typed call"


@dataclass(frozen=True)
class Report:
    """A run's results, and under which conditions they were got."""

    results: Results
    bench: Bench
    rounds: int
    seconds: float

    def text(self) -> str:
        """For the terminal."""
        parts = [f"\n{workload.title}\n{_aligned(self._rows(workload))}" for workload in self._measured()]
        absent = [f"{name}: {why}" for name, why in self.results.absent.items()]
        targets = _aligned([["target", "wanted", "measured", "reached"], *self._targets()])
        others = f"\nOf the program's core, others took {self._others()}."
        return "\n".join([*parts, "\n" + targets, others, *(["\nAbsent:", *absent] if absent else [])])

    def write(self, folder: Path) -> None:
        """benchmarks.md and benchmarks.svg."""
        (folder / "benchmarks.svg").write_text(draw(self._panels()), encoding="utf-8")
        told = PAGE.read_text(encoding="utf-8").format(
            date=datetime.datetime.now(datetime.UTC).date().isoformat(),
            machine=machine(),
            rounds=self.rounds,
            seconds=f"{self.seconds:g}",
            cores=self._cores(),
            others=self._others(),
            programs=_markdown([["program", "version"], *([name, self._version(name)] for name in PROGRAMS)]),
            targets=_markdown([["what", "wanted", "measured", "reached"], *self._targets()]),
            workloads="\n\n".join(map(self._section, self._measured())),
        )
        (folder / "benchmarks.md").write_text(told, encoding="utf-8")

    def _cores(self) -> str:
        if self.bench.cores.load == self.bench.cores.backend:
            return "The program under test runs on one core; the load and the back end share another."
        return "The program under test, the load and the back end each run on a core of their own."

    def _others(self) -> str:
        shares = self.results.others
        return f"{median(shares):.0%} in the median, {max(shares):.0%} at the most" if shares else "nothing known"

    def _measured(self) -> list[Workload]:
        return [each for name, each in WORKLOADS.items() if name in self.results.figures or name in self.results.failed]

    def _version(self, name: str) -> str:
        if name in self.results.absent:
            return f"absent in this run: {self.results.absent[name]}".replace("|", "/")
        return self.results.versions.get(name, "not asked for in this run")

    def _targets(self) -> Iterable[list[str]]:
        return (target.row(self.results) for target in TARGETS)

    def _section(self, workload: Workload) -> str:
        lines = [f"### {workload.title}\n", _markdown(self._rows(workload))]
        if self.rounds == 1 or workload.once:
            lines.append("\nOne round.")
        return "\n".join(lines)

    def _rows(self, workload: Workload) -> list[list[str]]:
        first, *others = workload.columns
        head = ["program", f"{first.title}, median (lowest–highest)", "Penstock ÷ it", *(each.title for each in others)]
        rows = [self._row(workload, name) for name in self.results.figures[workload.name]]
        measured = {row[0] for row in rows}
        for name, program in PROGRAMS.items():
            why = self.results.failed[workload.name].get(name) or self.results.absent.get(name)
            if name not in measured and why and takes_part(program, workload):
                rows.append(
                    [name, "absent" if name in self.results.absent else f"failed: {why}", "–", *("–" for _ in others)]
                )
        return [head, *rows]

    def _row(self, workload: Workload, name: str) -> list[str]:
        first, *others = workload.columns
        values = of(self.results, workload.name, name, first.key)
        spread = f" ({_told(min(values), first)}–{_told(max(values), first)})" if len(values) > 1 else ""
        times = None if name == PENSTOCK else ratio(self.results, workload.name, PENSTOCK, name, first.key)
        cells = [
            f"{_told(median(values), first)}{spread}" if values else "–",
            _times(times) if times is not None else "–",
        ]
        cells += [_median(of(self.results, workload.name, name, each.key), each) for each in others]
        errors = sum(figures.get("errors", 0) for figures in self.results.figures[workload.name][name])
        if errors:
            cells[0] += f"; {errors:.0f} errors"
        return [name, *cells]

    def _panels(self) -> list[Panel]:
        panels = []
        for workload, title in PLOTTED.items():
            found = {name: of(self.results, workload, name, "cpu") for name in self.results.figures.get(workload, ())}
            if shown := {name: values for name, values in found.items() if values}:
                panels.append(Panel(title, shown, PENSTOCK))
        return panels


def machine() -> str:
    """The processor, its cores, and the kernel."""
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    name = models[0].partition(":")[2].strip() if models else platform.machine()
    return f"{name}, {os.cpu_count()} cores, {platform.system()} {platform.release()}"


def _told(value: float, column: Column) -> str:
    return "–" if isnan(value) else f"{value:,.{column.digits}f}"


def _times(ratio: float) -> str:
    return f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.2g}"


def _median(values: Sequence[float], column: Column) -> str:
    return _told(median(values), column) if values else "–"


def _markdown(rows: Iterable[Sequence[str]]) -> str:
    head, *others = (f"| {' | '.join(row)} |" for row in rows)
    return "\n".join([head, "|---" * (head.count(" | ") + 1) + "|", *others])


def _aligned(rows: Iterable[Sequence[str]]) -> str:
    kept = list(rows)
    widths = [max(map(len, column)) for column in zip(*kept, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in kept)
