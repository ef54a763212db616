"""`penstock status`: how a running gateway stands, as text that fits a terminal."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from penstock.asking import NotTold, ask, json_of
from penstock.report import report
from penstock.settings.environment import variable

EVERY_S = 2.0
CLEAR = "\x1b[H\x1b[2J"

Told = Mapping[str, Any]
"""The JSON of GET /admin/status."""


def run(url: str, *, as_json: bool, watch: bool) -> int:
    """Print it, and go on doing so if it is to be watched. 1 if the gateway does not tell."""
    show = _json if as_json else _text
    try:
        print(show(_ask(url), url), flush=True)
        while watch:
            time.sleep(EVERY_S)
            _print_again(url, show)
    except NotTold as error:
        print(f"penstock: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print()
    return 0


def _print_again(url: str, show: Callable[[Told, str], str]) -> None:
    """A gateway that is watched may be away for a while."""
    clear = CLEAR if show is _text and sys.stdout.isatty() else ""
    try:
        print(clear + show(_ask(url), url), flush=True)
    except NotTold as error:
        print(f"penstock: {error}", file=sys.stderr, flush=True)


def _json(status: Told, url: str) -> str:
    """One line, so that each is one to a program that watches."""
    del url
    return json.dumps(status)


def _text(status: Told, url: str) -> str:
    return report(status, url, colour=sys.stdout.isatty() and not variable("NO_COLOR"))


def _ask(url: str) -> Told:
    return json_of(ask(url, "/admin/status"), "models")
