"""`penstock status`: a running gateway's targets, as a table."""

from __future__ import annotations

import json
import sys

import httpx

from penstock.settings.environment import variable

COLUMNS = ("id", "kind", "models", "up", "breaker", "drained", "in flight", "running", "waiting")


def run(url: str, *, as_json: bool) -> int:
    """Print it. 1 if the gateway does not tell."""
    key = variable("PENSTOCK_OPERATOR_KEY")
    headers = {"authorization": f"Bearer {key}"} if key else {}
    try:
        response = httpx.get(f"{url.rstrip('/')}/admin/targets", headers=headers, timeout=5)
        told = response.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        print(f"penstock: {url} cannot be asked: {error}", file=sys.stderr)
        return 1
    if response.status_code != 200:
        print(f"penstock: {url} says {response.status_code}: {_message(told)}", file=sys.stderr)
        return 1
    targets = told["data"]
    print(json.dumps(targets, indent=2) if as_json else table([_row(target) for target in targets]))
    return 0


def _message(told: object) -> str:
    error = told.get("error") if isinstance(told, dict) else None
    return str(error.get("message")) if isinstance(error, dict) else "something that is not Penstock's"


def _row(target: dict[str, object]) -> tuple[str, ...]:
    engine = target["engine"] if isinstance(target["engine"], dict) else {}
    models = target["models"] if isinstance(target["models"], list) else []
    yes_no = {True: "yes", False: "no"}
    return (
        str(target["id"]),
        str(target["kind"]),
        ",".join(map(str, models)),
        yes_no[bool(target["up"])],
        str(target["breaker"]),
        yes_no[bool(target["drained"])],
        str(target["in_flight"]),
        str(engine.get("running", "-")),
        str(engine.get("waiting", "-")),
    )


def table(rows: list[tuple[str, ...]]) -> str:
    """Columns of equal width."""
    lines = [COLUMNS, *rows]
    widths = [max(len(line[at]) for line in lines) for at in range(len(COLUMNS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
