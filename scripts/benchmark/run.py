"""The run: back end by back end, workload by workload, every program in turn in every round."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import groupby

from benchmark.backends import Bench, backend
from benchmark.conditions import Conditions, Figures
from benchmark.measure import busy_s, cpu_s
from benchmark.process import CANNOT_START
from benchmark.programs import Program, Running, started
from benchmark.workloads import Workload

DIRECT = "direct"
"""The back end asked without a program between."""


@dataclass
class Results:
    """For each workload and program the figures of every round; and who was not there, and why."""

    figures: defaultdict[str, defaultdict[str, list[Figures]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    absent: dict[str, str] = field(default_factory=dict)
    failed: defaultdict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    """For each workload, the programs that started and could not be measured."""
    versions: dict[str, str] = field(default_factory=dict)
    others: list[float] = field(default_factory=list)
    """For each measurement, the share of the program's core that was busy with something else."""


@dataclass(frozen=True)
class Run:
    """One run of the bench."""

    bench: Bench
    rounds: int
    conditions: Callable[[Running], Conditions]
    say: Callable[[str], None]
    results: Results = field(default_factory=Results)

    def __call__(self, workloads: Iterable[Workload], programs: Sequence[Program]) -> Results:
        """All programs of a back end stay up while its workloads last: idle ones cost next to nothing."""
        for kind, group in groupby(workloads, lambda workload: workload.backend):
            wanted = list(group)
            with ExitStack() as stack:
                url = stack.enter_context(backend(kind, self.bench))
                direct = Running(DIRECT, int(url.rpartition(":")[2]), None, {"content-type": "application/json"})
                running = [it for each in programs if (it := self._start(stack, each, url, wanted))]
                for workload in wanted:
                    self._measure(workload, running, direct)
        return self.results

    def _start(self, stack: ExitStack, program: Program, url: str, workloads: Sequence[Workload]) -> Running | None:
        if not any(takes_part(program, workload) for workload in workloads):
            return None
        try:
            running = stack.enter_context(started(program, self.bench, url))
            self.results.versions[program.name] = program.version(self.bench)
        except CANNOT_START as error:
            self.results.absent[program.name] = str(error)
            self.say(f"{program.name}: absent: {error}")
            return None
        return running

    def _measure(self, workload: Workload, running: Sequence[Running], direct: Running) -> None:
        given = self.conditions(direct)
        chosen = [each for each in running if _can(each.functions != "", each.chats, workload)]
        if workload.direct:
            chosen = [direct, *chosen]
        for number in range(1 if workload.once else self.rounds):
            for each in chosen:
                try:
                    figures = self._observed(workload, each, given)
                except CANNOT_START as error:
                    self.results.failed[workload.name][each.name] = str(error)
                    self.say(f"{workload.name}: {each.name}: {error}")
                    continue
                self.results.figures[workload.name][each.name].append(figures)
                told = ", ".join(
                    f"{column.title} {figures[column.key]:.{column.digits}f}" for column in workload.columns
                )
                self.say(f"{workload.name} {number + 1}: {each.name}: {told}")

    def _observed(self, workload: Workload, running: Running, given: Conditions) -> Figures:
        """The figures; and it is noted how much of the program's core others took meanwhile."""
        if running.pid is None:
            return workload.measure(running, given)
        core, began = self.bench.cores.program, time.monotonic()
        busy, ours = busy_s(core), cpu_s(running.pid)
        figures = workload.measure(running, given)
        others = busy_s(core) - busy - (cpu_s(running.pid) - ours)
        self.results.others.append(max(0, others) / (time.monotonic() - began))
        return figures


def takes_part(program: Program, workload: Workload) -> bool:
    """Whether the program has what the workload asks for."""
    return _can(program.functions != "", program.chats, workload)


def _can(functions: bool, chats: bool, workload: Workload) -> bool:
    return (functions or workload.needs == "chat") and (chats or workload.needs == "functions")
