"""What an API costs: so much for each token, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from penstock.costing.inputs import Filled

MILLION = 10**6


@dataclass(frozen=True, slots=True)
class Api:
    request_usd: Fraction

    @classmethod
    def of(cls, inputs: Filled) -> Api:
        paid = inputs.tokens_in * Fraction(inputs.input_price) + inputs.tokens_out * Fraction(inputs.output_price)
        return cls(paid / MILLION)

    def monthly(self, requests: Fraction | int) -> Fraction:
        """Dollars."""
        return self.request_usd * requests
