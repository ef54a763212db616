"""`penstock cost`: self-host, or an API? Every input is a flag with a default, and the answer says what it assumed."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from penstock.costing.case import NotKnown, settle
from penstock.costing.comparison import Comparison
from penstock.costing.inputs import Inputs, flag
from penstock.costing.plot import plot
from penstock.costing.report import report
from penstock.costing.told import told


class NotUsable(Exception):
    """What was given cannot be used. The message says what to do."""


def main(arguments: Sequence[str]) -> int:
    """2 if something cannot be used."""
    options = vars(parser().parse_args(arguments))
    as_json, drawing = options.pop("json"), options.pop("plot")
    try:
        compared = _compared({name: value for name, value in options.items() if value is not None})
        print(json.dumps(told(compared), indent=2) if as_json else report(compared))
        if drawing is not None:
            _draw(compared, drawing)
    except NotUsable as error:
        print(f"penstock cost: {error}", file=sys.stderr)
        return 2
    return 0


def parser() -> argparse.ArgumentParser:
    """A flag for every input."""
    made = argparse.ArgumentParser(
        "penstock cost", allow_abbrev=False, description="Self-host or API? What both cost, and from which volume on."
    )
    for name, field in Inputs.model_fields.items():
        default = "" if field.is_required() or field.default is None else f" ({field.default})"
        sentence = f"{field.description}{default}".replace("%", "%%")
        made.add_argument(
            flag(name), required=field.is_required(), metavar="NAME" if field.annotation is str else "N", help=sentence
        )
    made.add_argument("--json", action="store_true", help="Everything as JSON.")
    made.add_argument("--plot", type=Path, metavar="FILE", help="Draw both costs into an .svg file.")
    return made


def _compared(given: dict[str, str]) -> Comparison:
    try:
        return Comparison(settle(Inputs.model_validate(given)))
    except ValidationError as error:
        raise NotUsable("\n  ".join(_mistakes(error))) from None
    except NotKnown as error:
        raise NotUsable(str(error)) from None


def _mistakes(error: ValidationError) -> list[str]:
    return [
        f"{flag(str(each['loc'][0]))} {each['input']}: {each['msg']}"
        if each["loc"]
        else each["msg"].removeprefix("Value error, ")
        for each in error.errors(include_url=False)
    ]


def _draw(compared: Comparison, path: Path) -> None:
    if path.suffix != ".svg":
        raise NotUsable(f"--plot {path}: SVG is all that it draws, so name a file that ends in .svg")
    try:
        path.write_text(plot(compared), "utf-8")
    except OSError as error:
        raise NotUsable(f"--plot {path}: cannot be written: {error.strerror}") from None
