"""Go back to the version that served before the last deploy; after a run that was killed, put things back."""

from __future__ import annotations

import argparse

from operations.begin import add_limits, site_for
from operations.change import Wanted, change, repair, unchanged
from operations.interrupts import Interrupts
from operations.platforms import chosen
from operations.rollback import roll_back


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--watch", type=float, default=0, metavar="S", help="after each unit, if it has to roll (0)")
    add_limits(parser)
    chosen.add_arguments(parser)


def run(options: argparse.Namespace, interrupts: Interrupts) -> None:
    """Raises an OperationError where it does not succeed."""
    site = site_for(options, interrupts)
    with site.alone("rollback"):
        if repair(site):
            return
        previous = site.releases.read().previous
        if previous is None:
            why = "nothing to go back to: no deploy was made from here, or it was rolled back already"
            unchanged(site, Wanted("rollback", ""), why)
            return
        wanted = Wanted("rollback", previous.version, goes_back=True)
        change(site, wanted, lambda before: roll_back(site, before, previous, options.watch))
