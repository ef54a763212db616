"""What others charge: an API for a model's tokens, a cloud for an hour of GPUs. `prices.yml` has a source for each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field

FILE = Path(__file__).with_name("prices.yml")
DATED = re.compile(r"-\d{4}-\d{2}-\d{2}$")
"""How the name of a model's snapshot ends."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Seen(_Part):
    """Where a price is published, the day on which it was read, and by way of what."""

    source: str = Field(pattern="^https://")
    read: date
    by: str = ""

    def __str__(self) -> str:
        return f"{self.source}, read {self.read}{' second-hand' if self.by else ''}"


class ModelPrice(_Part):
    """Dollars for a million tokens."""

    input: Decimal = Field(ge=0)
    output: Decimal = Field(ge=0)


class InstancePrice(_Part):
    """Dollars for an hour of a machine, and the GPUs in it."""

    usd: Decimal = Field(ge=0)
    gpu: str
    gpus: int = Field(gt=0)


class Throughput(_Part):
    """Tokens a second of one GPU: reading prompts alone, writing answers alone to all that fit, and to one stream.

    `crowding` is what each further stream adds to a step, as a share of it; `kv_tokens` fit into the KV cache.
    """

    prefill: Decimal = Field(gt=0)
    decode: Decimal = Field(gt=0)
    alone: Decimal = Field(gt=0)
    crowding: Decimal = Field(ge=0)
    kv_tokens: int = Field(gt=0)


class ModelPrices(Seen):
    prices: Mapping[str, ModelPrice]


class InstancePrices(Seen):
    hourly: Mapping[str, InstancePrice]


class Prices(_Part):
    """The file."""

    models: tuple[ModelPrices, ...]
    instances: tuple[InstancePrices, ...]
    gpus: Mapping[str, Throughput]

    def price_of(self, model: str) -> tuple[ModelPrice, Seen] | None:
        """None if the file does not have it. A snapshot that it does not name costs what its model does."""
        for name in (model, DATED.sub("", model)):
            for group in self.models:
                if name in group.prices:
                    return group.prices[name], group
        return None

    def instance(self, name: str) -> tuple[InstancePrice, Seen] | None:
        """None if the file does not have it."""
        return next(((group.hourly[name], group) for group in self.instances if name in group.hourly), None)


@cache
def prices() -> Prices:
    """What the file says; it is read once."""
    return Prices.model_validate(yaml.safe_load(FILE.read_text("utf-8")))


def price_of(model: str) -> ModelPrice | None:
    """Dollars for a million tokens of an API's model; None if `prices.yml` does not have it."""
    found = prices().price_of(model)
    return found[0] if found else None
