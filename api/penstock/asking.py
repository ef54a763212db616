"""How a command asks a running gateway as its operator."""

from __future__ import annotations

import re
from collections.abc import Mapping

import httpx

from penstock.settings.environment import variable

TIMEOUT_S = 5.0


class NotTold(Exception):
    """The gateway does not tell. The message says why."""


def ask(url: str, path: str, params: Mapping[str, str] | None = None) -> httpx.Response:
    """What it answers, with status 200. The key is that of PENSTOCK_OPERATOR_KEY. Raises NotTold."""
    key = variable("PENSTOCK_OPERATOR_KEY") or _key_beside()
    headers = {"authorization": f"Bearer {key}"} if key else {}
    try:
        response = httpx.get(f"{url.rstrip('/')}{path}", params=params, headers=headers, timeout=TIMEOUT_S)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NotTold(f"{url} cannot be asked: {error}") from None
    if response.status_code != 200:
        advice = " Set PENSTOCK_OPERATOR_KEY to an operator's." if response.status_code in (401, 403) else ""
        raise NotTold(f"{url} says {response.status_code}: {_message(response)}{advice}")
    return response


def json_of(response: httpx.Response, member: str) -> Mapping[str, object]:
    """The JSON object with this member that it should be. Raises NotTold."""
    try:
        told = response.json()
    except ValueError as error:
        raise NotTold(f"{response.url} cannot be asked: {error}") from None
    if not isinstance(told, dict) or member not in told:
        raise NotTold(f"{response.url} says something that is not Penstock's")
    return told


def _key_beside() -> str:
    """The first of the gateway's own settings, if we stand beside it, as in its container; else empty."""
    keys = variable("PENSTOCK_OPERATOR_KEYS")
    return re.split(r"[,\n]", keys)[0].partition("=")[2].strip()


def _message(response: httpx.Response) -> str:
    try:
        told = response.json()
    except ValueError:
        told = None
    error = told.get("error") if isinstance(told, dict) else None
    return str(error.get("message")) if isinstance(error, dict) else "something that is not Penstock's"
