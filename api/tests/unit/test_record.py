"""One record, one log line, and the counts that follow from it."""

import io
import time
from typing import Any

import orjson
import pytest
from penstock.settings.parts import Price
from penstock.telemetry.journal import Journal
from penstock.telemetry.lines import Lines
from penstock.telemetry.metrics import Metrics
from penstock.telemetry.record import Record
from penstock.telemetry.tariff import Tariff
from tests.exposition import samples

TARIFF = Tariff(Price(input_per_million_usd=2.5, output_per_million_usd=10))


class Book:
    """A journal, and what it wrote and counted."""

    def __init__(self) -> None:
        self._out = io.BytesIO()
        self._metrics = Metrics()
        self._journal = Journal(self._metrics, Lines(self._out))

    def close(self, record: Record) -> dict[str, Any]:
        self._journal.close(record)
        line: dict[str, Any] = orjson.loads(self._out.getvalue().splitlines()[-1])
        return line

    def count(self, name: str, **labels: str) -> float | None:
        return samples(self._metrics.exposition()).get((f"penstock_{name}", frozenset(labels.items())))


def a_record(**more: Any) -> Record:
    record = Record("chat", "req-1", time.monotonic() - 2)
    record.model, record.target, record.target_kind, record.tariff = "tiny", "gpu-1", "replica", TARIFF
    read, written = more.pop("input_tokens", 0), more.pop("output_tokens", 0)
    for name, value in more.items():
        setattr(record, name, value)
    record.answered(read, written, counted=record.counted)
    return record


@pytest.mark.parametrize(
    ("read", "written", "cost"), [(0, 0, 0), (1_000_000, 0, 2.5), (0, 1_000_000, 10), (1000, 200, 0.0045)]
)
def test_cost_is_tokens_by_price(read: int, written: int, cost: float) -> None:
    assert a_record(input_tokens=read, output_tokens=written).cost_usd == pytest.approx(cost)
    assert a_record(input_tokens=read, output_tokens=written, tariff=None).cost_usd == 0


def test_what_a_replica_answers_is_saved() -> None:
    book = Book()
    line = book.close(a_record(input_tokens=1000, output_tokens=200))
    assert line["cost_usd"] == 0
    assert book.count("saved_usd_total", model="tiny") == pytest.approx(0.0045)
    assert book.count("cost_usd_total", model="tiny", target_kind="cloud") is None
    assert book.count("tokens_total", model="tiny", target_kind="replica", kind="input") == 1000
    assert book.count("tokens_total", model="tiny", target_kind="replica", kind="output") == 200


def test_what_a_cloud_answers_is_paid() -> None:
    book = Book()
    line = book.close(a_record(target_kind="cloud", fallback="busy", input_tokens=1000, output_tokens=200))
    assert line["cost_usd"] == pytest.approx(0.0045)
    assert book.count("cost_usd_total", model="tiny", target_kind="cloud") == pytest.approx(0.0045)
    assert book.count("saved_usd_total", model="tiny") is None
    assert book.count("fallback_total", model="tiny", reason="busy") == 1


@pytest.mark.parametrize("kinds", [("replica", "cloud"), ("cloud", "replica")])
def test_of_two_answers_each_is_paid_or_saved_as_its_own_target_is(kinds: tuple[str, str]) -> None:
    book, record = Book(), a_record()
    for kind in kinds:
        record.target_kind = kind
        record.answered(*((1000, 200) if kind == "cloud" else (3000, 200)), counted=True)
    line = book.close(record)
    assert (record.tokens, record.cost_usd) == (4400, pytest.approx(0.014))
    assert line["cost_usd"] == pytest.approx(0.0045)
    assert book.count("cost_usd_total", model="tiny", target_kind="cloud") == pytest.approx(0.0045)
    assert book.count("saved_usd_total", model="tiny") == pytest.approx(0.0095)


def test_a_caller_s_requests_are_counted_by_its_name_with_tokens_and_dollars() -> None:
    book, paid = Book(), {"target_kind": "cloud", "input_tokens": 1000, "output_tokens": 200}
    book.close(a_record(caller="web", **paid))
    book.close(a_record(caller="web", outcome="busy", target_kind="none"))
    assert book.count("caller_requests_total", caller="web", outcome="ok") == 1
    assert book.count("caller_requests_total", caller="web", outcome="busy") == 1
    assert book.count("caller_tokens_total", caller="web", kind="input") == 1000
    assert book.count("caller_tokens_total", caller="web", kind="output") == 200
    assert book.count("caller_cost_usd_total", caller="web") == pytest.approx(0.0045)
    assert book.count("caller_cost_usd_total", caller="none") is None


def test_a_typed_function_s_calls_are_counted_by_its_name_and_others_are_not() -> None:
    book = Book()
    book.close(a_record(function="Classify", input_tokens=10, output_tokens=2, outcome="broken"))
    book.close(a_record(input_tokens=10))
    assert book.count("function_requests_total", function="Classify", outcome="broken") == 1
    assert book.count("function_seconds_count", function="Classify") == 1
    assert book.count("function_seconds_sum", function="Classify") == pytest.approx(2, abs=0.5)
    assert book.count("function_tokens_total", function="Classify", kind="input") == 10
    assert book.count("function_tokens_total", function="Classify", kind="output") == 2
    assert book.count("caller_tokens_total", caller="none", kind="input") == 20


def test_tokens_that_we_had_to_estimate_are_counted_apart() -> None:
    book = Book()
    book.close(a_record(output_tokens=7, counted=False))
    assert book.count("tokens_total", model="tiny", target_kind="replica", kind="output_estimated") == 7
    assert book.count("tokens_total", model="tiny", target_kind="replica", kind="output") is None


def test_a_request_without_a_target_costs_and_saves_nothing() -> None:
    book = Book()
    book.close(Record("chat", "req-1", time.monotonic()))
    assert book.count("saved_usd_total", model="none") is None
    assert book.count("requests_total", surface="chat", model="none", target_kind="none", outcome="ok") == 1


def test_times_are_from_the_requests_last_byte() -> None:
    book, received = Book(), time.monotonic() - 2
    line = book.close(
        a_record(
            received_at=received,
            waited_s=0.4,
            first_byte_at=received + 0.5,
            first_token_at=received + 0.5,
            stream=True,
            events=4,
        )
    )
    assert line["seconds"] == pytest.approx(2, abs=0.5)
    assert line["first_token_s"] == pytest.approx(0.5)
    assert book.count("overhead_seconds_sum", surface="chat") == pytest.approx(0.1)
    assert book.count("first_token_seconds_sum", model="tiny", target_kind="replica") == pytest.approx(0.5)
    between = book.count("inter_token_seconds_sum", model="tiny", target_kind="replica")
    assert between == pytest.approx((line["seconds"] - 0.5) / 3, abs=1e-4)
    seconds = book.count("request_seconds_sum", surface="chat", model="tiny", target_kind="replica")
    assert seconds == pytest.approx(line["seconds"], abs=1e-4)


def test_time_that_was_ours_is_never_below_zero() -> None:
    book = Book()
    record = a_record(waited_s=9.0)
    record.first_byte_at = record.received_at + 1
    book.close(record)
    assert book.count("overhead_seconds_sum", surface="chat") == 0


@pytest.mark.parametrize("events", [0, 1])
def test_a_stream_of_one_event_has_no_time_between(events: int) -> None:
    book = Book()
    record = a_record(events=events)
    record.first_token_at = record.received_at + 1
    book.close(record)
    assert book.count("inter_token_seconds_count", model="tiny", target_kind="replica") is None


def test_the_line_says_what_happened() -> None:
    line = Book().close(
        a_record(caller="shop", attempts=2, status=502, outcome="failed", code="upstream_error", stream=True)
    )
    told = {name: line[name] for name in line.keys() - {"timestamp", "seconds"}}
    assert told == {
        "event": "request",
        "level": "info",
        "request_id": "req-1",
        "surface": "chat",
        "caller": "shop",
        "model": "tiny",
        "function": None,
        "target": "gpu-1",
        "attempts": 2,
        "status": 502,
        "outcome": "failed",
        "code": "upstream_error",
        "stream": True,
        "first_token_s": None,
        "waited_s": 0.0,
        "queued_s": 0.0,
        "input_tokens": 0,
        "output_tokens": 0,
        "estimated": False,
        "cost_usd": 0.0,
    }
