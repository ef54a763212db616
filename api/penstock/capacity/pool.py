"""Replicas as modelled engines: who takes a call, and what becomes of the calls where a replica is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf
from random import Random

from vllm_simulator.blocks import BlockPool
from vllm_simulator.mixed import MixedEngine
from vllm_simulator.pace import Pace
from vllm_simulator.run import Run

from penstock.capacity.calls import Call
from penstock.capacity.inputs import Filled
from penstock.upstream.rank import Standing, least_outstanding

BLOCK = 16
"""Tokens: vLLM's on a GPU."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What every replica is."""

    pace: Pace
    blocks: int
    max_num_seqs: int
    batched_tokens: int

    @classmethod
    def of(cls, inputs: Filled) -> Shape:
        pace = Pace(float(inputs.prefill), float(inputs.decode_alone), crowding=float(inputs.crowding))
        return cls(pace, max(1, inputs.kv_tokens // BLOCK), inputs.max_num_seqs, inputs.batched_tokens)

    def engine(self, now: float) -> MixedEngine:
        """An idle one, begun at this moment. No prompt begins like another."""
        blocks = BlockPool(self.blocks, BLOCK, caching=False)
        return MixedEngine(self.pace, blocks, self.max_num_seqs, clock=now, batched_tokens=self.batched_tokens)


@dataclass(slots=True, eq=False)
class Replica:
    """An engine in a zone. A lost one gives nothing more; what is sent there until that is noticed is stranded."""

    zone: int
    engine: MixedEngine
    lost: bool = False
    open: dict[Run, Call] = field(default_factory=dict)
    stranded: list[Call] = field(default_factory=list)
    due: float = inf
    """When its engine will next have something to do."""

    def __post_init__(self) -> None:
        self.engine.on_finish = self._close

    def take(self, call: Call, now: float) -> None:
        if self.lost:
            self.stranded.append(call)
            return
        asked = call.asked
        run = Run(range(asked.prompt), asked.answer, each_token=False, notify=_not_told)
        self.open[run] = call
        self.engine.submit(run, now)
        self.due = self.engine.next_at()

    def advance(self, now: float) -> None:
        if self.due <= now and not self.lost:
            self.engine.advance(now)
            self.due = self.engine.next_at()

    def lose(self) -> None:
        """What has its first token is broken; the others go elsewhere once it is noticed."""
        self.lost = True
        self.stranded += [call for run, call in self.open.items() if run.start_step is None]
        self.open.clear()

    @property
    def load(self) -> int:
        """Calls at it, as a gateway counts them."""
        return len(self.open) + len(self.stranded)

    def _close(self, run: Run) -> None:
        call = self.open.pop(run)
        call.first_token_s, call.total_s = run.first_token - call.asked.at, run.finished - call.asked.at


@dataclass(slots=True)
class Pool:
    """Calls go where the fewest are, as the gateway ranks replicas by default; it is assumed to see all of them."""

    shape: Shape
    zones: int
    replicas: list[Replica] = field(default_factory=list)
    _turn: int = 0
    _chance: Random = field(default_factory=lambda: Random(0))

    def grow(self, now: float) -> None:
        """One more, in the zone that has the fewest."""
        there = Counter(each.zone for each in self.replicas if not each.lost)
        zone = min(range(self.zones), key=lambda zone: there[zone])
        self.replicas.append(Replica(zone, self.shape.engine(now)))

    def take(self, call: Call, now: float) -> None:
        """Without a replica it is not answered."""
        if not self.replicas:
            return
        self._turn += 1
        standings = [Standing(1, each.load) for each in self.replicas]
        best = self.replicas[least_outstanding(standings, self._turn, self._chance)[0]]
        best.take(call, now)

    def forget(self, gone: Sequence[Replica], now: float) -> None:
        """What was stranded at them goes to others."""
        self.replicas = [each for each in self.replicas if each not in gone]
        for call in (call for each in gone for call in each.stranded):
            call.moves += 1
            self.take(call, now)

    def advance(self, now: float) -> None:
        for each in self.replicas:
            each.advance(now)


def _not_told() -> None:
    """Nobody waits for tokens here: an engine knows when they came."""
