"""Inputs as flags of a command: how they are typed, what is said of a mistake, and where a picture goes."""

from __future__ import annotations

import argparse
from pathlib import Path

from pydantic import BaseModel, ValidationError

from penstock.costing.wording import typed


class NotUsable(Exception):
    """What was given cannot be used. The message says what to do."""


def flag(name: str) -> str:
    """An input as it is typed."""
    return "--" + name.replace("_", "-")


def add_flags(parser: argparse.ArgumentParser, inputs: type[BaseModel]) -> None:
    """One for every input, with its sentence and its default; and --json and --plot."""
    for name, field in inputs.model_fields.items():
        default = "" if field.is_required() or field.default is None else f" ({typed(field.default)})"
        sentence = f"{field.description}{default}".replace("%", "%%")
        kind = "FILE" if field.annotation == Path | None else "NAME" if field.annotation is str else "N"
        parser.add_argument(flag(name), required=field.is_required(), metavar=kind, help=sentence)
    parser.add_argument("--json", action="store_true", help="Everything as JSON.")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="Draw it into an .svg file.")


def mistakes(error: ValidationError) -> NotUsable:
    """In the words of whoever typed them."""
    return NotUsable(
        "\n  ".join(
            f"{flag(str(each['loc'][0]))} {each['input']}: {each['msg']}"
            if each["loc"]
            else each["msg"].removeprefix("Value error, ")
            for each in error.errors(include_url=False)
        )
    )


def write(path: Path, picture: str) -> None:
    """Raises NotUsable."""
    if path.suffix != ".svg":
        raise NotUsable(f"--plot {path}: SVG is all that it draws, so name a file that ends in .svg")
    try:
        path.write_text(picture, "utf-8")
    except OSError as error:
        raise NotUsable(f"--plot {path}: cannot be written: {error.strerror}") from None
