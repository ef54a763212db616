"""What is open to the outside, to whom, and how often."""

from __future__ import annotations

from operations.readiness.finding import Seen, judged
from operations.readiness.ground import Ground

CLOSED = ("/metrics", "/admin/targets", "/admin/status", "/sim/state", "/edge", "/status")
NOBODY = "sk-readiness-none-such"
MOST = 800
USUAL = {"EDGE_KEY_RATE": "50", "EDGE_ADDRESS_RATE": "100"}
"""What the edge does where nothing is said."""


def closed(ground: Ground) -> Seen:
    """Asked with a key that opens everything else."""
    key = ground.operator_key or ground.outside.key
    found = {path: ground.outside.ask(path, key=key).status for path in CLOSED}
    wrong = [f"{path} answers with {status}" for path, status in found.items() if status not in (403, 404)]
    return judged(f"GET {', '.join(CLOSED)}", wrong, ", ".join(sorted({str(status) for status in found.values()})))


def keys(ground: Ground) -> Seen:
    body = {"model": "none-such", "messages": []}
    found = {
        "no key": ground.outside.ask("/v1/chat/completions", body=body).status,
        "a wrong key": ground.outside.ask("/v1/chat/completions", key=NOBODY, body=body).status,
    }
    wrong = [f"{who} is answered with {status}" for who, status in found.items() if status != 401]
    return judged("POST /v1/chat/completions without a key, and with a wrong one", wrong, "401, 401")


def rates(ground: Ground) -> Seen:
    """By the edge's settings; with --disruptive, by using one up: that of our address, or of a key that nobody has."""
    if not ground.wanted.disruptive:
        told = ground.inside.environments().get("edge", {})
        found = {name: told.get(name, usual) for name, usual in USUAL.items()}
        wrong = [f"{name} is 0: no limit" for name, value in found.items() if float(value) == 0]
        return judged("the edge's settings", wrong, ", ".join(f"{name}={value}" for name, value in found.items()))
    count, reply = ground.outside.burst("/v1/models", NOBODY, MOST)
    after = reply.headers.get("retry-after", "")
    wrong = [] if reply.status == 429 else [f"no 429 within {count} requests"]
    wrong += [] if wrong or after else ["429 without Retry-After"]
    return judged("GET /v1/models again and again", wrong, f"429 at request {count}, Retry-After: {after}")
