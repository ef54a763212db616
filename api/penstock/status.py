"""`penstock status`: how a running gateway stands, as text that fits a terminal."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from penstock.report import report
from penstock.settings.environment import variable

EVERY_S = 2.0
CLEAR = "\x1b[H\x1b[2J"

Told = Mapping[str, Any]
"""The JSON of GET /admin/status."""


class NotTold(Exception):
    """The gateway does not tell. The message says why."""


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
    key = variable("PENSTOCK_OPERATOR_KEY") or _key_beside()
    headers = {"authorization": f"Bearer {key}"} if key else {}
    try:
        response = httpx.get(f"{url.rstrip('/')}/admin/status", headers=headers, timeout=5)
        told = response.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise NotTold(f"{url} cannot be asked: {error}") from None
    if response.status_code != 200:
        raise NotTold(f"{url} says {response.status_code}: {_message(told)}")
    if not isinstance(told, dict) or "models" not in told:
        raise NotTold(f"{url} says something that is not Penstock's")
    return told


def _key_beside() -> str:
    """The first of the gateway's own settings, if we stand beside it, as in its container; else empty."""
    keys = variable("PENSTOCK_OPERATOR_KEYS")
    return re.split(r"[,\n]", keys)[0].partition("=")[2].strip()


def _message(told: object) -> str:
    error = told.get("error") if isinstance(told, dict) else None
    return str(error.get("message")) if isinstance(error, dict) else "something that is not Penstock's"
