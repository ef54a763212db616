"""What a cloud charges for tokens."""

from __future__ import annotations

from penstock.settings.parts import Price


class Tariff:
    """A price in plain numbers: every request asks it, and to read pydantic's attributes costs more than its answer."""

    def __init__(self, price: Price) -> None:
        self._read_usd = price.input_per_million_usd / 1e6
        self._written_usd = price.output_per_million_usd / 1e6

    def usd(self, read: int, written: int) -> float:
        """What so many tokens cost, in dollars."""
        return read * self._read_usd + written * self._written_usd
