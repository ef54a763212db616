"""Change some members of a JSON object's bytes and leave every other byte as the client wrote it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import orjson

# RFC 8259 in tokens: a string, or a run of what stands outside strings.
_TOKEN: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]:,]|[^"{}\[\]:,\s]+', re.DOTALL)
_MODEL: Final = re.compile(rb'"model"\s*:\s*("[^"\\]*(?:\\.[^"\\]*)*")', re.DOTALL)


MANY_TOKENS: Final = 40_000
"""A body of more is written anew: it means the same, and reading it token by token would hold everyone else up."""


class _Member(NamedTuple):
    name: str
    start: int
    end: int


def edited(
    raw: bytes,
    fields: Mapping[str, object],
    changes: Mapping[str, object],
    drop: frozenset[str] = frozenset(),
) -> bytes:
    """The object with `changes` set and `drop` removed. `fields` is what `raw` holds, parsed."""
    if not changes and not drop:
        return raw
    standing = changes.keys() & fields.keys()
    if not drop.isdisjoint(fields) or not standing <= {"model"}:
        return _rewritten(raw, fields, changes, drop)
    if standing:
        model = _with_model(raw, changes["model"])
        if model is None:
            return _rewritten(raw, fields, changes, drop)
        raw = model
    new = [_member(name, value) for name, value in changes.items() if name not in fields]
    return _with_first(raw, new, empty=not fields) if new else raw


def _with_model(raw: bytes, model: object) -> bytes | None:
    """The common case, found without reading the whole text: it holds `"model"` just once.

    An escaped spelling of the name would escape that count; its letters all begin with \\u006.
    """
    if raw.count(b'"model"') != 1 or b"\\u006" in raw or (found := _MODEL.match(raw, raw.find(b'"model"'))) is None:
        return None
    return raw[: found.start(1)] + orjson.dumps(model) + raw[found.end(1) :]


def _with_first(raw: bytes, members: list[bytes], *, empty: bool) -> bytes:
    start = raw.index(b"{") + 1
    return raw[:start] + b",".join(members) + (b"" if empty else b",") + raw[start:]


def _rewritten(raw: bytes, fields: Mapping[str, object], changes: Mapping[str, object], drop: frozenset[str]) -> bytes:
    if raw.count(b"{") + raw.count(b"[") + raw.count(b'"') > MANY_TOKENS:
        kept_fields = {name: value for name, value in fields.items() if name not in drop}
        return orjson.dumps({**kept_fields, **changes})
    last = {member.name: member for member in _members(raw)}
    kept = [
        raw[member.start : member.end]
        for member in last.values()
        if member.name not in changes and member.name not in drop
    ]
    return b"{" + b",".join(kept + [_member(name, value) for name, value in changes.items()]) + b"}"


def _member(name: str, value: object) -> bytes:
    return orjson.dumps(name) + b":" + orjson.dumps(value)


def _members(raw: bytes) -> Iterator[_Member]:
    """The object's own members, in order; a name that stands twice comes twice."""
    depth, name, start, end = 0, "", -1, -1
    for token in _TOKEN.finditer(raw):
        first = raw[token.start()]
        if depth == 1 and first in b",}":
            if start >= 0:
                yield _Member(name, start, end)
            start = -1
        elif depth == 1 and start < 0:
            name, start = orjson.loads(token.group()), token.start()
        if first in b"{[":
            depth += 1
        elif first in b"}]":
            depth -= 1
        end = token.end()
