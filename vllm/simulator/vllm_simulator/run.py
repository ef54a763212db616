"""A request in the engine, from its arrival to its end."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from vllm_simulator.blocks import Hold


@dataclass(slots=True, eq=False)
class Run:
    """One request in the engine. `produced` tokens exist so far; `notify` is called when that grows.

    With `each_token` it grows token by token, otherwise once, at the end. With a `stretch` above 1 it goes
    slower than the engine does. How the answer will end (`reason`), how many it is (`choices`) and its length
    in all (`tokens`) are there for observers.
    """

    prompt: Sequence[Hashable]
    output: int
    each_token: bool
    notify: Callable[[], None]
    reason: str = "length"
    choices: int = 1
    tokens: int = 0
    stretch: float = 1.0
    produced: int = 0
    cached: int = 0
    ended: bool = False
    arrived: float = 0.0
    admitted: float = 0.0
    first_token: float = 0.0
    finished: float = 0.0
    preempted: int = 0
    hold: Hold | None = None
    start_step: float | None = None

    @property
    def complete(self) -> bool:
        return self.produced == self.output
