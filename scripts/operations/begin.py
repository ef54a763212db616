"""What every verb begins with: its options, its signals, and the hands it works with."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from operations.interrupts import Interrupts
from operations.numbers import share
from operations.patience import Patience
from operations.platforms.chosen import chosen
from operations.shell import Shell
from operations.site import Limits, Site

OURS = ("PENSTOCK_BLUE_VERSION", "PENSTOCK_GREEN_VERSION")
"""Said by compose.env alone: in the environment they would outrank it."""


def add_limits(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("limits")
    defaults = Limits()
    group.add_argument("--ready-limit", type=float, default=defaults.ready_s, metavar="S", help="until ready (120)")
    group.add_argument(
        "--drain-limit", type=float, default=defaults.drain_s, metavar="S", help="the longest stream (130)"
    )
    group.add_argument("--lock-wait", type=float, default=defaults.lock_s, metavar="S", help="for another run (20)")
    group.add_argument(
        "--max-errors", type=share, default=defaults.max_errors, metavar="PERCENT", help="5xx at the edge (2)"
    )


def site_for(options: argparse.Namespace, interrupts: Interrupts) -> Site:
    """For a verb that changes things. Raises WrongUse."""
    shell, state = shell_for(options, interrupts)
    limits = Limits(options.ready_limit, options.drain_limit, options.lock_wait, options.max_errors)
    patience = Patience(interrupts, dry=options.dry_run)
    return Site(chosen(options, shell, state), shell, patience, state, limits)


def looker_for(options: argparse.Namespace, interrupts: Interrupts) -> Site:
    """For a verb that only looks: a dry run shows its commands, and runs them all the same."""
    shell, state = shell_for(options, interrupts)
    shell.dry, shell.shows_looks = False, options.dry_run
    return Site(chosen(options, shell, state), shell, Patience(interrupts), state, Limits())


def shell_for(options: argparse.Namespace, interrupts: Interrupts) -> tuple[Shell, Path]:
    folder = options.dir.resolve()
    env = {name: value for name, value in os.environ.items() if name not in OURS}
    state = Path(os.environ.get("PENSTOCK_STATE") or folder / ".deploy")
    return Shell(interrupts, folder, dry=options.dry_run, env=env), state
