"""Continuous batching as arithmetic: who waits, who reads, who speaks, and when the next thing happens.

Time comes in as an argument, in seconds of any monotonic clock; nothing here waits.
"""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from math import inf

from vllm_simulator.blocks import BlockPool
from vllm_simulator.pace import Pace
from vllm_simulator.run import Run


class QueueFullError(Exception):
    """The waiting queue holds as many requests as it may."""


@dataclass(slots=True)
class Engine:
    """At most `max_num_seqs` runs at once; prompts are read one after another, answers grow in step."""

    pace: Pace
    blocks: BlockPool
    max_num_seqs: int
    max_queued: int | None = None
    on_finish: Callable[[Run], None] = lambda run: None
    clock: float = 0.0
    steps: float = 0.0
    running: int = 0
    decoding: int = 0
    preemptions: int = 0
    busy: float = 0.0
    waiting: dict[Run, None] = field(default_factory=dict)
    _reader_free_at: float = 0.0
    _reading: list[tuple[float, int, Run]] = field(default_factory=list)
    _ending: list[tuple[float, int, Run]] = field(default_factory=list)
    _speaking: list[tuple[float, int, Run]] = field(default_factory=list)
    _order: Iterator[int] = field(default_factory=count)

    def submit(self, run: Run, now: float) -> None:
        """Raises QueueFullError when nothing is free and the queue is at its limit."""
        self.advance(now)
        full = self.running >= self.max_num_seqs or bool(self.waiting)
        if self.max_queued is not None and full and len(self.waiting) >= self.max_queued:
            raise QueueFullError
        run.arrived = now
        self.waiting[run] = None
        self._admit()

    def abort(self, run: Run, now: float) -> None:
        """Ends a run that nobody waits for; its place goes to the next one at once."""
        self.advance(now)
        if not run.ended:
            self._leave(run)

    def advance(self, now: float) -> None:
        """Brings the engine to `now`, in the order in which things happen on the way."""
        while min(reading := self._next_read(), ending := self._next_end()) <= now:
            if reading <= ending:
                self._drift(reading)
                self._begin(heapq.heappop(self._reading)[2])
            else:
                self._drift(ending)
                step, _, run = heapq.heappop(self._ending)
                self.steps = max(self.steps, step)
                self._finish(run)
        self._drift(now)
        self._speak()

    def busy_at(self, now: float) -> float:
        """The seconds up to `now` in which it had something to work at."""
        self.advance(now)
        return self.busy

    def next_at(self) -> float:
        """When `advance` will next have something to do; infinite when idle."""
        return min(self._next_read(), self._next_end(), self._when(self._speaking))

    def _next_read(self) -> float:
        _drop_ended(self._reading)
        return self._reading[0][0] if self._reading else inf

    def _next_end(self) -> float:
        return self._when(self._ending)

    def _when(self, heap: list[tuple[float, int, Run]]) -> float:
        _drop_ended(heap)
        if not heap:
            return inf
        return self.clock + max(0.0, heap[0][0] - self.steps) * self._step_seconds()

    def _step_seconds(self) -> float:
        return self.pace.step_seconds(self.decoding)

    def _drift(self, to: float) -> None:
        step = self._step_seconds() if self.decoding else 0.0
        if step:
            self.steps += max(0.0, to - self.clock) / step
        if self.running:
            self.busy += max(0.0, to - self.clock)
        self.clock = max(self.clock, to)

    def _admit(self) -> None:
        while self.waiting and self.running < self.max_num_seqs and (run := self._enter()):
            start = max(self.clock, self._reader_free_at)
            self._read_by(start + run.stretch * self.pace.prefill_seconds(len(run.prompt) - run.cached), run)

    def _enter(self) -> Run | None:
        """The first that waits, now with memory; None if there is no room for it."""
        run = next(iter(self.waiting))
        run.hold = self.blocks.take(run.prompt, run.output)
        if run.hold is None:
            self._preempt(run)
            return None
        del self.waiting[run]
        self.running += 1
        run.admitted, run.cached = self.clock, run.hold.cached_tokens
        return run

    def _read_by(self, when: float, run: Run) -> None:
        self._reader_free_at = when
        heapq.heappush(self._reading, (when, next(self._order), run))

    def _preempt(self, run: Run) -> None:
        """vLLM would have begun it, and thrown it out once its neighbours needed the memory: counted as that, once."""
        self.preemptions += not run.preempted
        run.preempted = 1

    def _begin(self, run: Run) -> None:
        run.start_step, run.first_token = self.steps, self.clock
        self.decoding += 1
        heapq.heappush(self._ending, (self.steps + (run.output - 1) * run.stretch, next(self._order), run))
        if run.each_token and run.output > 1:
            run.produced = 1
            heapq.heappush(self._speaking, (self.steps + run.stretch, next(self._order), run))
            run.notify()

    def _speak(self) -> None:
        while self._speaking and self._speaking[0][0] <= self.steps + 1e-9:
            run = heapq.heappop(self._speaking)[2]
            if run.ended or run.start_step is None:
                continue
            grown = int((self.steps - run.start_step) / run.stretch + 1e-9)
            run.produced = min(run.output - 1, 1 + grown)
            following = run.start_step + run.stretch * max(run.produced, grown + 1)
            heapq.heappush(self._speaking, (following, next(self._order), run))
            run.notify()

    def _finish(self, run: Run) -> None:
        run.produced, run.finished = run.output, self.clock
        self._leave(run)
        self.on_finish(run)
        run.notify()

    def _leave(self, run: Run) -> None:
        run.ended = True
        if run in self.waiting:
            del self.waiting[run]
            return
        self.running -= 1
        self.decoding -= run.start_step is not None
        if run.hold is not None:
            self.blocks.release(run.hold)
        self._admit()


def _drop_ended(heap: list[tuple[float, int, Run]]) -> None:
    while heap and heap[0][2].ended:
        heapq.heappop(heap)
