"""Inputs made whole: what was not given comes from the price file, and each says where it is from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from penstock.costing.flags import flag
from penstock.costing.inputs import Filled, Inputs
from penstock.prices import prices

OF_THE_MODEL = ("input_price", "output_price")
OF_THE_INSTANCE = ("gpu_hourly", "prefill", "decode")

Found = tuple[Decimal, str]
"""A number, and where it is from."""


class NotKnown(ValueError):
    """The price file does not have what it is asked for. The message says what it has, and what to give instead."""


@dataclass(frozen=True, slots=True)
class Case:
    """Every number of a comparison, and for each name where it is from."""

    inputs: Filled
    origins: Mapping[str, str]


def settle(inputs: Inputs) -> Case:
    """Raises NotKnown."""
    given = {name: value for name, value in inputs.model_dump().items() if value is not None}
    found = {name: each for name, each in {**_model(inputs), **_instance(inputs)}.items() if name not in given}
    _refuse_gaps(inputs, given.keys() | found.keys())
    machine = prices().instance(inputs.instance)
    numbers = {name: number for name, (number, _) in found.items()}
    filled = Filled.model_validate({**given, **numbers, "gpus_each": machine[0].gpus if machine else 1})
    origins = {name: "given" if name in inputs.model_fields_set else "default" for name in Inputs.model_fields}
    return Case(filled, origins | {name: origin for name, (_, origin) in found.items()})


def _model(inputs: Inputs) -> dict[str, Found]:
    known = prices().price_of(inputs.model)
    if known is None:
        return {}
    price, seen = known
    return {"input_price": (price.input, str(seen)), "output_price": (price.output, str(seen))}


def _instance(inputs: Inputs) -> dict[str, Found]:
    known = prices().instance(inputs.instance)
    if known is None:
        return {}
    machine, seen = known
    speed = prices().gpus[machine.gpu]
    estimate = f"an estimate for the {machine.gpu} and 8 billion parameters; measure yours"
    hourly = (machine.usd / machine.gpus, str(seen))
    return {"gpu_hourly": hourly, "prefill": (speed.prefill, estimate), "decode": (speed.decode, estimate)}


def _refuse_gaps(inputs: Inputs, known: set[str]) -> None:
    models = [model for group in prices().models for model in group.prices]
    machines = [machine for group in prices().instances for machine in group.hourly]
    for asked, names, has in (
        (f"--model {inputs.model}", OF_THE_MODEL, models),
        (f"--instance {inputs.instance}", OF_THE_INSTANCE, machines),
    ):
        if not known.issuperset(names):
            wanted = ", ".join(flag(name) for name in names)
            raise NotKnown(f"{asked}: no price of it is known. Give {wanted}, or take one of {', '.join(has)}")
