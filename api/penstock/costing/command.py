"""`penstock cost`: self-host, or an API? Every input is a flag with a default, and the answer says what it assumed."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from pydantic import ValidationError

from penstock.costing.case import NotKnown, settle
from penstock.costing.comparison import Comparison
from penstock.costing.flags import NotUsable, add_flags, mistakes, write
from penstock.costing.inputs import Inputs
from penstock.costing.plot import plot
from penstock.costing.report import report
from penstock.costing.told import told


def main(arguments: Sequence[str]) -> int:
    """2 if something cannot be used."""
    options = vars(parser().parse_args(arguments))
    as_json, drawing = options.pop("json"), options.pop("plot")
    try:
        compared = _compared({name: value for name, value in options.items() if value is not None})
        print(json.dumps(told(compared), indent=2) if as_json else report(compared))
        if drawing is not None:
            write(drawing, plot(compared))
    except NotUsable as error:
        print(f"penstock cost: {error}", file=sys.stderr)
        return 2
    return 0


def parser() -> argparse.ArgumentParser:
    """A flag for every input."""
    made = argparse.ArgumentParser(
        "penstock cost", allow_abbrev=False, description="Self-host or API? What both cost, and from which volume on."
    )
    add_flags(made, Inputs)
    return made


def _compared(given: dict[str, str]) -> Comparison:
    try:
        return Comparison(settle(Inputs.model_validate(given)))
    except ValidationError as error:
        raise mistakes(error) from None
    except NotKnown as error:
        raise NotUsable(str(error)) from None
