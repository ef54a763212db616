"""Whose trace a request belongs to, by what its headers say (W3C Trace Context), and what targets are told of it."""

import random

import pytest
from penstock.telemetry.exporter import Exporter
from penstock.telemetry.families import Counters
from penstock.telemetry.trace import Trace, parent_in
from penstock.telemetry.tracing import Tracing

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def parent(traceparent: str, tracestate: str | None = None) -> tuple[str, str, bool, str] | None:
    state = {} if tracestate is None else {b"tracestate": tracestate.encode("latin-1")}
    return parent_in({b"traceparent": traceparent.encode("latin-1"), **state})


@pytest.mark.parametrize(
    ("flags", "sampled"), [("00", False), ("01", True), ("02", False), ("03", True), ("ff", True), ("fe", False)]
)
def test_the_caller_s_flag_is_its_last_bit(flags: str, sampled: bool) -> None:
    assert parent(f"00-{TRACE}-{SPAN}-{flags}") == (TRACE, SPAN, sampled, "")


@pytest.mark.parametrize("more", ["", "-", "-what-comes"])
def test_a_version_to_come_is_read_as_far_as_it_is_known(more: str) -> None:
    assert parent(f"cc-{TRACE}-{SPAN}-01{more}") == (TRACE, SPAN, True, "")


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "00",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-01-",
        f"cc-{TRACE}-{SPAN}-01more",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}-0x",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE[1:]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}0-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f" 00-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01\n",
        f"00-{TRACE}-{SPAN}-01, 00-{TRACE}-{SPAN}-01",
    ],
)
def test_what_cannot_be_read_is_as_none(bad: str) -> None:
    assert parent(bad) is None


@pytest.mark.parametrize(
    ("given", "told"),
    [("a=1,b=2", "a=1,b=2"), ("", ""), ("x" * 513, ""), ("a=\u00e4", ""), ("a\tb", ""), ("a\r\nb: c", "")],
)
def test_a_state_is_passed_on_as_it_came_or_not_at_all(given: str, told: str) -> None:
    assert parent(f"00-{TRACE}-{SPAN}-01", given) == (TRACE, SPAN, True, told)


def test_a_state_alone_is_nothing() -> None:
    assert parent_in({b"tracestate": b"a=1"}) is None


async def unsent(body: bytes) -> None:
    raise AssertionError(body)


def tracing(ratio: float) -> Tracing:
    return Tracing(Exporter(unsent, 1, (b"", b""), Counters("x", "X.", ("fate",)), print), ratio, random.Random(5))  # type: ignore[arg-type]


@pytest.mark.parametrize(("ratio", "share"), [(0, 0), (0.1, 0.1), (1, 1)])
def test_of_those_whose_caller_says_nothing_the_ratio_is_traced(ratio: float, share: float) -> None:
    begins = tracing(ratio)
    begun = [begins.begin({}) for _ in range(5000)]
    traced = [each for each in begun if isinstance(each, Trace)]
    assert len(traced) / len(begun) == pytest.approx(share, abs=0.02)
    ids = [each.trace_id for each in traced]
    assert len(set(ids)) == len(ids)
    assert all(len(each) == 32 for each in ids)


@pytest.mark.parametrize("ratio", [0, 1])
@pytest.mark.parametrize("sampled", [False, True])
def test_the_caller_outranks_the_ratio(ratio: float, sampled: bool) -> None:
    begun = tracing(ratio).begin({b"traceparent": f"00-{TRACE}-{SPAN}-{sampled:02x}".encode()})
    if sampled:
        assert isinstance(begun, Trace)
        assert (begun.trace_id, begun.parent_id) == (TRACE, SPAN)
        assert begun.span_id != SPAN
    else:
        assert begun == f"\r\ntraceparent: 00-{TRACE}-{SPAN}-00"


def test_each_attempt_has_an_id_of_its_own_and_its_target_is_told_it() -> None:
    trace = Trace(TRACE, SPAN, "", "a=1", random.Random(5).getrandbits)
    told = []
    for target in ("gpu-1", "gpu-2"):
        trace.attempt(target, "replica", (target, 8000, False), "tiny")
        told.append(trace.onward)
        trace.came_to("busy")
    ids = [each.span_id for each in trace.steps]
    assert told == [f"\r\ntraceparent: 00-{TRACE}-{each}-01\r\ntracestate: a=1" for each in ids]
    assert len({SPAN, *ids}) == 3


def test_an_attempt_that_has_ended_is_not_ended_by_a_pause_that_is_cut_short() -> None:
    trace = Trace(TRACE, SPAN, "", "", random.Random(5).getrandbits)
    trace.attempt("gpu-1", "replica", ("gpu-1", 8000, False), "tiny")
    trace.came_to("busy")
    ended_at = trace.steps[0].ended_at
    trace.came_to("client_gone")
    assert (trace.steps[0].outcome, trace.steps[0].ended_at) == ("busy", ended_at)
