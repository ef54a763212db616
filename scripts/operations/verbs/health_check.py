"""Say whether every unit that serves is ready; wait for it, if told to."""

from __future__ import annotations

import argparse

from operations.begin import looker_for
from operations.errors import StepFailed
from operations.interrupts import Interrupts
from operations.platforms import chosen
from operations.site import Site
from operations.telling import tell
from operations.words import COLOURS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--wait", type=float, default=0, metavar="S", help="until all is well, so long at most (0)")
    parser.add_argument("--version", help="and every unit that serves has to run this one")
    chosen.add_arguments(parser)


def run(options: argparse.Namespace, interrupts: Interrupts) -> None:
    """Raises StepFailed or TookTooLong with what is not well."""
    site = looker_for(options, interrupts)
    if options.wait:
        site.patience.until("all well", lambda: _wanting(site, options.version), options.wait)
    elif wanting := _wanting(site, options.version):
        raise StepFailed(wanting)
    tell("all well")


def _wanting(site: Site, version: str | None) -> str:
    picture, why = site.look()
    if picture is None:
        return why
    wrong = [f"{unit.name} is not ready" for unit in picture.units if picture.shares[unit.colour] and not unit.ready]
    wrong += [f"{unit.name} is drained" for unit in picture.units if picture.shares[unit.colour] and unit.drained]
    if version:
        serving = (colour for colour in COLOURS if picture.shares[colour])
        others = {picture.version(colour) for colour in serving} - {version}
        wrong += [f"{other or 'nothing'} serves, not {version}" for other in sorted(others)]
    return "; ".join(wrong)
