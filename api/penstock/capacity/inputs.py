"""What a simulation of a pool asks to be told: every input once, with its default and a sentence."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from penstock.costing.inputs import Dollars, Rate

Seconds = Annotated[Decimal, Field(gt=0, le=10**5, decimal_places=9)]
LENGTHS = "N, A-B (any from A to B), or lognormal:MEDIAN,SIGMA"


class Inputs(BaseModel):
    """As they are given. None: the price file has it, or it is not wanted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rate: Rate | None = Field(None, description="Requests a second at the peak, which come by chance.")
    requests: int | None = Field(None, gt=0, le=10**11, description="Requests a month, in place of a rate.")
    peak_factor: Decimal = Field(
        Decimal(3), ge=1, le=10**6, decimal_places=9, description="The rate at the peak over the month's mean rate."
    )
    trace: Path | None = Field(
        None, description="A file of real requests in place of a rate: CSV as Azure publishes it, maybe .gz."
    )
    speed_up: Decimal = Field(Decimal(1), ge=Decimal("0.001"), le=1000, description="Of the trace's gaps.")
    tokens_in: str | None = Field(None, description=f"Prompt tokens of a request: {LENGTHS}. A trace has its own.")
    tokens_out: str | None = Field(None, description="Generated tokens of a request, in the same words.")
    first_token_p99: Seconds | None = Field(
        None, description="Seconds within which 99 of 100 requests have their first token."
    )
    total_p99: Seconds | None = Field(None, description="Seconds within which 99 of 100 requests have all of it.")
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
    disk: Dollars = Field(Decimal(8), description="Dollars a month for a machine's disk: 100 GB at $0.08.")
    prefill: Rate | None = Field(
        None, description="Prompt tokens that a replica reads in a second, doing nothing else."
    )
    decode_alone: Rate | None = Field(
        None, description="Tokens that a replica generates in a second for one stream that is alone."
    )
    crowding: Decimal | None = Field(
        None, ge=0, le=10, decimal_places=9, description="What each further request adds to a step, as a share of it."
    )
    kv_tokens: int | None = Field(None, gt=0, le=10**9, description="Tokens that fit into a replica's KV cache.")
    max_num_seqs: int = Field(256, gt=0, le=10**5, description="Requests that an engine has in its batch at most.")
    batched_tokens: int = Field(2048, gt=0, le=10**6, description="Prompt tokens that one step reads at most.")
    zones: int = Field(2, gt=0, le=10, description="Zones over which replicas are spread.")
    start_s: Seconds = Field(Decimal(180), description="Seconds from the wish for a new replica until it answers.")
    notice_s: Seconds = Field(
        Decimal(2), description="Seconds until gateways take no more to a replica that is lost: a connect's limit."
    )
    doubling_s: Seconds = Field(Decimal(300), description="Seconds over which the rate doubles, where it does.")
    minutes: Decimal = Field(Decimal(10), gt=0, le=1440, decimal_places=3, description="Minutes that are simulated.")
    most: int = Field(64, gt=0, le=256, description="Replicas that are tried at most.")
    seed: int = Field(0, ge=0, le=2**32, description="Of all that is drawn by chance: the same gives the same.")

    @model_validator(mode="after")
    def _is_a_question(self) -> Self:
        if [self.rate, self.requests, self.trace].count(None) != 2:
            raise ValueError("give one of --rate, --requests and --trace")
        if not self.trace and not (self.tokens_in and self.tokens_out):
            raise ValueError("give --tokens-in and --tokens-out: only a trace has lengths of its own")
        if self.first_token_p99 is None and self.total_p99 is None:
            raise ValueError("give --first-token-p99 or --total-p99, in seconds: what has to be held")
        return self


class Filled(Inputs):
    """Inputs of which none is left to the price file."""

    gpu_hourly: Dollars
    prefill: Rate
    decode_alone: Rate
    crowding: Decimal
    kv_tokens: int
    gpus_each: int = Field(1, gt=0, description="GPUs in one machine.")
