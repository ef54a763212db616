"""`penstock capacity`: how many replicas hold what is promised, and what that costs. Every input is a flag."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from pydantic import ValidationError

from penstock.capacity.answer import Answer
from penstock.capacity.case import NotKnown, settle
from penstock.capacity.inputs import Inputs
from penstock.capacity.plot import plot
from penstock.capacity.report import report
from penstock.capacity.told import told
from penstock.costing.flags import NotUsable, add_flags, mistakes, write
from penstock.load import NoLoad


def main(arguments: Sequence[str]) -> int:
    """1 if no number of replicas holds it though nothing fails, 2 if something cannot be used."""
    options = vars(parser().parse_args(arguments))
    as_json, drawing = options.pop("json"), options.pop("plot")
    try:
        answer = _answer({name: value for name, value in options.items() if value is not None})
        print(json.dumps(told(answer), indent=2) if as_json else report(answer))
        if drawing is not None:
            write(drawing, plot(answer))
    except NotUsable as error:
        print(f"penstock capacity: {error}", file=sys.stderr)
        return 2
    return 0 if answer.rows[0].replicas else 1


def parser() -> argparse.ArgumentParser:
    """A flag for every input."""
    made = argparse.ArgumentParser(
        "penstock capacity",
        allow_abbrev=False,
        description="How many replicas hold p99, with failures, and what they cost: by simulation.",
    )
    add_flags(made, Inputs)
    return made


def _answer(given: dict[str, str]) -> Answer:
    try:
        return Answer(settle(Inputs.model_validate(given)))
    except ValidationError as error:
        raise mistakes(error) from None
    except (NotKnown, NoLoad) as error:
        raise NotUsable(str(error)) from None
