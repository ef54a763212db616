"""docs/tracing.md has every attribute of both spans, and no other, and the limits that the code has."""

import random
import time

from penstock.settings.parts import Price
from penstock.telemetry.exporter import FLUSH_S, PAUSES_S, WAITING
from penstock.telemetry.record import Record
from penstock.telemetry.spans import frame_of, spans_of
from penstock.telemetry.tariff import Tariff
from penstock.telemetry.trace import Trace
from tests.collector import Span, read
from tests.pages import named, page, rows

PAGE = page("docs/tracing.md")


def spans() -> list[Span]:
    """Of a request of which there is everything to tell."""
    record = Record("chat", "req-1", time.monotonic())
    trace = record.trace = Trace("1" * 32, "2" * 16, "", "", random.Random(5).getrandbits)
    trace.method, trace.path, trace.route = "POST", "/v1/chat/completions", "/v1/chat/completions"
    record.function, record.code, record.fallback, record.tariff = (
        "ClassifyTicket",
        "stream_broken",
        "busy",
        Tariff(Price()),
    )
    record.status, record.outcome, record.target_kind, record.stream = 200, "broken", "cloud", True
    record.first_token_at = time.monotonic()
    trace.attempt("cloud", "cloud", ("cloud", 443, True), "gpt-4o-mini")
    trace.heard(200)
    trace.came_to("answered")
    trace.ended("cut")
    trace.used("gpt-4o-mini-2024", (1, 2))
    before, after = frame_of({"service.name": "penstock"}, "penstock", "1.0")
    return read(before + spans_of(record, trace, time.monotonic()) + after)


def test_every_attribute_stands_there_and_no_other() -> None:
    headings = {"server": "### The request's span\n", "client": "### An attempt's span\n"}
    for span in spans():
        told = PAGE.split(headings[span.kind])[1].split("\n#")[0]
        assert {named(each[0]) for each in rows(told)} == span.told.keys()


def test_the_limits_are_the_code_s() -> None:
    assert f"The spans of {WAITING:,} requests may wait" in PAGE
    assert f"tried for some {sum(PAUSES_S):.0f} s" in PAGE.replace("\n", " ")
    assert f"for at most {FLUSH_S:g} s" in PAGE
