"""An engine whose steps read and write at once, as vLLM's chunked prefill does: a long prompt holds up every answer."""

from dataclasses import dataclass
from math import ceil, inf

from vllm_simulator.engine import Engine
from vllm_simulator.run import Run

ALMOST = 1e-9
"""Of a step, and of a second: sums of fractions are not exact."""


@dataclass(slots=True)
class MixedEngine(Engine):
    """A step takes `pace.step_seconds(decoding)`, and the time to read the prompts that are in it.

    Whoever came while a step ran is admitted at its end, and all of these are read in the next one, as far as
    `batched_tokens` go. A longer prompt is read alone, in several steps. Its last step gives a run its first token.
    A run's `stretch` has no meaning here.
    """

    batched_tokens: int = 2048
    _door: float = inf
    """When runs are next admitted."""
    _reading_step: float = 0.0
    """Seconds of a step that reads."""

    def advance(self, now: float) -> None:
        while (at := min(self._next_read(), self._next_end(), self._door)) <= now:
            Engine.advance(self, at)
            if self._door <= at:
                self._open()
        Engine.advance(self, now)

    def next_at(self) -> float:
        return min(Engine.next_at(self), self._door)

    def _admit(self) -> None:
        if self.waiting and self.running < self.max_num_seqs:
            self._door = self._step_end() + ALMOST  # what ends with the step has left by then

    def _step_end(self) -> float:
        if self.clock < self._reader_free_at:
            return self._reader_free_at
        if not self.decoding:
            return self.clock
        return self.clock + max(0.0, ceil(self.steps - ALMOST) - self.steps) * self._step_seconds()

    def _step_seconds(self) -> float:
        return self._reading_step if self.clock < self._reader_free_at else Engine._step_seconds(self)

    def _open(self) -> None:
        """Admits whom the next step can read."""
        self._door, self.steps = inf, float(round(self.steps))
        room = max(1, self.batched_tokens - self.decoding)
        tokens, admitted = 0, list[Run]()
        while self.waiting and self.running < self.max_num_seqs:
            if admitted and tokens + len(next(iter(self.waiting)).prompt) > room:
                break
            if (run := self._enter()) is None:
                break
            tokens += len(run.prompt) - run.cached
            admitted.append(run)
        if admitted:
            self._read(admitted, tokens, max(1, ceil(tokens / room)))

    def _read(self, runs: list[Run], tokens: int, steps: int) -> None:
        seconds = self.pace.prefill_seconds(tokens) + steps * self.pace.step_seconds(max(1, self.decoding))
        self._reading_step = seconds / steps
        for run in runs:
            self._read_by(self.clock + seconds, run)
        self._admit()
