"""What a comparison of costs asks to be told: every input once, with its default and a sentence."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Dollars = Annotated[Decimal, Field(ge=0, le=10**9, decimal_places=9)]
Rate = Annotated[Decimal, Field(gt=0, le=10**9, decimal_places=9)]
Tokens = Annotated[int, Field(ge=0, le=10**7)]


class Inputs(BaseModel):
    """As they are given. None: the price file has it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    requests: int = Field(gt=0, le=10**11, description="Requests a month.")
    tokens_in: Tokens = Field(description="Prompt tokens of a request, on average.")
    tokens_out: Tokens = Field(description="Generated tokens of a request, on average.")
    model: str = Field("gpt-4o", description="The API's model.")
    input_price: Dollars | None = Field(None, description="Dollars for a million prompt tokens of the API.")
    output_price: Dollars | None = Field(None, description="Dollars for a million generated tokens of the API.")
    instance: str = Field("g5.xlarge", description="The machine that a replica runs on.")
    gpu_hourly: Dollars | None = Field(
        None, description="Dollars for an hour of one GPU with its share of the machine."
    )
    discount: Decimal = Field(
        Decimal(0),
        ge=0,
        lt=1,
        decimal_places=9,
        description="What spot or a reservation takes off the hourly price, as a share: 0.35 is 35 %.",
    )
    gpus: int | None = Field(
        None,
        gt=0,
        le=10**9,
        description="GPUs that are paid for, whatever the load. If not given: what the peak needs.",
    )
    prefill: Rate | None = Field(None, description="Prompt tokens that one GPU reads in a second, doing nothing else.")
    decode: Rate | None = Field(None, description="Tokens that one GPU generates in a second, doing nothing else.")
    utilisation: Decimal = Field(
        Decimal("0.7"),
        gt=0,
        le=1,
        decimal_places=9,
        description="Share of a GPU's time that may be busy, so that answers stay quick.",
    )
    peak_factor: Decimal = Field(
        Decimal(3), ge=1, le=10**6, decimal_places=9, description="The rate at the peak over the month's mean rate."
    )
    disk: Dollars = Field(Decimal(8), description="Dollars a month for a machine's disk: 100 GB at $0.08.")
    network: Dollars = Field(Decimal(20), description="Dollars a month for a load balancer and traffic, in all.")
    engineering: Dollars = Field(
        Decimal(4500), description="Dollars a month for the people who build and run it, in all: a quarter of one."
    )

    @model_validator(mode="after")
    def _is_work(self) -> Self:
        if self.tokens_in + self.tokens_out == 0:
            raise ValueError("--tokens-in and --tokens-out are both 0, and such a request costs nothing")
        return self


class Filled(Inputs):
    """Inputs of which none is left to the price file."""

    input_price: Dollars
    output_price: Dollars
    gpu_hourly: Dollars
    prefill: Rate
    decode: Rate
    gpus_each: int = Field(1, gt=0, description="GPUs in one machine.")
