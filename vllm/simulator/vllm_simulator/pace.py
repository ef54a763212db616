"""How long the modelled engine takes: arithmetic over tokens and a speed, and nothing else."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """Speeds in tokens per second. `speed` divides every time; `float("inf")` makes them all zero."""

    prefill_tps: float = 8000.0
    decode_tps: float = 50.0
    speed: float = 1.0
    crowding: float = 0.02
    """What each further request in the batch adds to a decode step, as a share of it."""

    def prefill_seconds(self, tokens: int) -> float:
        """The time to read `tokens` of a prompt that are not in the prefix cache."""
        return tokens / (self.prefill_tps * self.speed)

    def step_seconds(self, decoding: int) -> float:
        """The time of one step, which gives one token to each of the `decoding` requests."""
        return (1 + self.crowding * (decoding - 1)) / (self.decode_tps * self.speed)
