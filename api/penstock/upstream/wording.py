"""A call in the words of one target: its name for the model, its spelling of the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from penstock.upstream.call import Call
from penstock.upstream.edit import edited
from penstock.upstream.openai_fields import KNOWN
from penstock.upstream.pool import Seat

GUIDED: Final = {"guided_json": "json", "guided_regex": "regex", "guided_choice": "choice", "guided_grammar": "grammar"}
"""vLLM's former top-level members, which it now ignores silently, and their places in `structured_outputs`."""


def worded(call: Call, seat: Seat) -> tuple[bytes, tuple[str, ...]]:
    """The body for this target, and the names of the members that had to be left out."""
    changes: dict[str, object] = {}
    if call.fields.get("model") != seat.model:
        changes["model"] = seat.model
    if call.stream and call.dialect.asks_usage and not call.wants_usage:
        changes["stream_options"] = {**_object(call.fields.get("stream_options")), "include_usage": True}
    if seat.target.kind == "cloud":
        left_out = call.fields.keys() - KNOWN[call.dialect.name]
        return edited(call.raw, call.fields, changes, frozenset(left_out)), tuple(sorted(left_out))
    guided = {place: call.fields[name] for name, place in GUIDED.items() if name in call.fields}
    if guided:
        changes["structured_outputs"] = {**_object(call.fields.get("structured_outputs")), **guided}
    return edited(call.raw, call.fields, changes, frozenset(GUIDED) if guided else frozenset()), ()


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}
