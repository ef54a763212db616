"""docs/logs.md has every field of a request's line with its type, as lines are really written, and every event."""

import io
import json
import random
import re
import time
from typing import Any

from penstock.telemetry.journal import Journal
from penstock.telemetry.lines import Lines
from penstock.telemetry.metrics import Metrics
from penstock.telemetry.record import Record
from penstock.telemetry.trace import Trace
from tests.pages import ROOT, blocks, named, page, rows, section

PAGE = page("docs/logs.md")
TYPES = {"string": str, "integer": int, "number": float, "boolean": bool, "null": type(None)}
ONLY_TRACED = {"trace_id", "span_id"}


def written(record: Record) -> dict[str, Any]:
    out = io.BytesIO()
    Journal(Metrics(), Lines(out)).close(record)
    line: dict[str, Any] = json.loads(out.getvalue())
    return line


def bare() -> Record:
    return Record("chat", "req-1", time.monotonic())


def full() -> Record:
    """A request of which there is everything to tell."""
    record = bare()
    record.function, record.code, record.first_token_at = "ClassifyTicket", "stream_broken", time.monotonic()
    record.trace = Trace("1" * 32, "2" * 16, "", "", random.Random(5).getrandbits)
    return record


def documented() -> dict[str, tuple[set[type], Any]]:
    """Each field's types, and its example."""
    return {
        named(name): ({TYPES[each] for each in types.split(" or ")}, json.loads(named(example)))
        for name, types, example, _ in (each for each in rows(section(PAGE, "## A request")))
    }


def test_every_field_stands_there_and_no_other() -> None:
    assert documented().keys() == written(full()).keys()
    assert documented().keys() - ONLY_TRACED == written(bare()).keys()


def test_a_field_is_of_the_type_that_is_told_and_no_type_is_told_in_vain() -> None:
    lines = [written(bare()), written(full())]
    for name, (types, example) in documented().items():
        assert {type(line[name]) for line in lines if name in line} == types, name
        assert type(example) in types, name


def test_the_example_is_such_a_line() -> None:
    (block,) = blocks("docs/logs.md", "json")
    told = json.loads(block)
    assert told.keys() == documented().keys()
    for name, (types, _) in documented().items():
        assert type(told[name]) in types, name


def test_every_event_of_the_log_stands_there() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "api/penstock").rglob("*.py"))
    pattern = r'(?:log\.(?:info|warning|error|exception)\(\s*|"event": )"([^"]+)"'
    found = set(re.findall(pattern, sources)) - {"request"}
    assert {named(event) for event, *_ in rows(section(PAGE, "## Other events"))} == found
