"""The platform that was asked for."""

from __future__ import annotations

import argparse
import importlib
import os
from collections.abc import Callable
from pathlib import Path

from operations.errors import WrongUse
from operations.platform import Platform
from operations.platforms import compose, ecs, kubernetes
from operations.shell import Shell

Maker = Callable[[argparse.Namespace, Shell, Path], Platform]
KNOWN: dict[str, Maker] = {"compose": compose.compose, "kubernetes": kubernetes.kubernetes, "ecs": ecs.ecs}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--platform",
        default=os.environ.get("PENSTOCK_PLATFORM", "compose"),
        help=f"{', '.join(KNOWN)}, or MODULE:FUNCTION that makes one of your own (compose)",
    )
    parser.add_argument("--image", default=os.environ.get("PENSTOCK_IMAGE", "penstock"), help="image without its tag")
    for each in (compose, kubernetes, ecs):
        each.add_arguments(parser)


def chosen(options: argparse.Namespace, shell: Shell, state: Path) -> Platform:
    """Raises WrongUse."""
    return _maker(options.platform)(options, shell, state)


def _maker(name: str) -> Maker:
    if name in KNOWN:
        return KNOWN[name]
    module, _, function = name.partition(":")
    try:
        made: Maker = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise WrongUse(f"there is no platform {name!r}: {error}") from None
    return made
