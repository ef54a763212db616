"""What one's own pool costs: whole machines for the peak, all month, and what does not grow with the load."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from penstock.costing.inputs import Filled

HOURS = 730
"""In a month: 365 days of 24 hours, over 12."""
SECONDS = HOURS * 3600


@dataclass(frozen=True, slots=True)
class SelfHost:
    """Numbers are exact, so that a step of the cost lies where it is said to lie."""

    machine_usd: Fraction
    """A month of one machine and its disk."""
    fixed_usd: Fraction
    """A month of what does not grow with the load."""
    gpus_each: int
    gpu_seconds: Fraction
    """What a request takes of one GPU: reading and writing take turns."""
    utilisation: Fraction
    peak_factor: Fraction
    gpus_paid: int | None
    """None: as many as the peak needs."""

    @classmethod
    def of(cls, inputs: Filled) -> SelfHost:
        hourly = Fraction(inputs.gpu_hourly) * inputs.gpus_each * (1 - Fraction(inputs.discount))
        return cls(
            machine_usd=hourly * HOURS + Fraction(inputs.disk),
            fixed_usd=Fraction(inputs.network) + Fraction(inputs.engineering),
            gpus_each=inputs.gpus_each,
            gpu_seconds=inputs.tokens_in / Fraction(inputs.prefill) + inputs.tokens_out / Fraction(inputs.decode),
            utilisation=Fraction(inputs.utilisation),
            peak_factor=Fraction(inputs.peak_factor),
            gpus_paid=inputs.gpus,
        )

    @property
    def carried(self) -> Fraction:
        """Requests a month that one machine carries, its peak included."""
        return SECONDS * self.gpus_each * self.utilisation / (self.gpu_seconds * self.peak_factor)

    @property
    def limit(self) -> Fraction | None:
        """Requests a month that the GPUs that are paid for carry; None if more are taken with the load."""
        return None if self.gpus_paid is None else self.machines(0) * self.carried

    def gpus_for_the_mean(self, requests: Fraction | int) -> int:
        return max(1, ceil(requests * self.gpu_seconds / (SECONDS * self.utilisation)))

    def gpus_at_the_peak(self, requests: Fraction | int) -> int:
        return max(1, ceil(requests * self.gpu_seconds * self.peak_factor / (SECONDS * self.utilisation)))

    def machines(self, requests: Fraction | int) -> int:
        """Those that are paid for."""
        return ceil(Fraction(self.gpus_paid or self.gpus_at_the_peak(requests), self.gpus_each))

    def monthly(self, requests: Fraction | int) -> Fraction:
        """Dollars."""
        return self.machines(requests) * self.machine_usd + self.fixed_usd
