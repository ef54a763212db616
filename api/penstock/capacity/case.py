"""Inputs made whole: what was not given comes from the price file, and each says where it is from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import ceil

from penstock.capacity.inputs import Filled, Inputs
from penstock.costing.flags import flag
from penstock.costing.selfhost import HOURS
from penstock.prices import prices

OF_THE_INSTANCE = ("gpu_hourly", "prefill", "decode_alone", "crowding", "kv_tokens")


class NotKnown(ValueError):
    """The price file does not have what it is asked for. The message says what it has, and what to give instead."""


@dataclass(frozen=True, slots=True)
class Case:
    """Every number of a simulation, and for each name where it is from."""

    inputs: Filled
    origins: Mapping[str, str]

    def monthly_usd(self, replicas: int) -> Fraction:
        """Dollars for so many replicas, a GPU each: whole machines with their disks, all month."""
        inputs = self.inputs
        hourly = Fraction(inputs.gpu_hourly) * inputs.gpus_each * (1 - Fraction(inputs.discount))
        return ceil(Fraction(replicas, inputs.gpus_each)) * (hourly * HOURS + Fraction(inputs.disk))


def settle(inputs: Inputs) -> Case:
    """Raises NotKnown."""
    given = {name: value for name, value in inputs.model_dump().items() if value is not None}
    found = {name: each for name, each in _instance(inputs).items() if name not in given}
    _refuse_gaps(inputs, given.keys() | found.keys())
    machine = prices().instance(inputs.instance)
    numbers = {name: number for name, (number, _) in found.items()}
    filled = Filled.model_validate({**given, **numbers, "gpus_each": machine[0].gpus if machine else 1})
    origins = {name: "given" if name in inputs.model_fields_set else "default" for name in Inputs.model_fields}
    return Case(filled, origins | {name: origin for name, (_, origin) in found.items()})


def _instance(inputs: Inputs) -> dict[str, tuple[Decimal | int, str]]:
    known = prices().instance(inputs.instance)
    if known is None:
        return {}
    machine, seen = known
    speed = prices().gpus[machine.gpu]
    estimate = f"an estimate for the {machine.gpu} and 8 billion parameters; measure yours"
    return {
        "gpu_hourly": (machine.usd / machine.gpus, str(seen)),
        "prefill": (speed.prefill, estimate),
        "decode_alone": (speed.alone, estimate),
        "crowding": (speed.crowding, estimate),
        "kv_tokens": (speed.kv_tokens, estimate),
    }


def _refuse_gaps(inputs: Inputs, known: set[str]) -> None:
    if known.issuperset(OF_THE_INSTANCE):
        return
    machines = ", ".join(machine for group in prices().instances for machine in group.hourly)
    wanted = ", ".join(flag(name) for name in OF_THE_INSTANCE)
    raise NotKnown(f"--instance {inputs.instance}: no price of it is known. Give {wanted}, or take one of {machines}")
