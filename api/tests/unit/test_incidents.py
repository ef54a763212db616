"""The last things that happened, out of the log."""

import io
import re

import pytest
from penstock.telemetry.incidents import KEPT, SENTENCES, Incidents
from penstock.telemetry.lines import Lines
from penstock.telemetry.logging import logger_to
from tests.pages import ROOT

REASON = "redis://:zanzibar@redis-1"


@pytest.mark.parametrize(
    ("event", "fields", "says"),
    [
        ("listening", {"url": "http://x"}, "The instance started."),
        ("breaker moved", {"target": "gpu-1", "state": "half-open"}, "gpu-1: its breaker is half-open."),
        ("target moved", {"target": "gpu-1", "up": False}, "gpu-1 is down."),
        ("target moved", {"target": "gpu-1", "up": True}, "gpu-1 is up again."),
        ("store moved", {"up": False, "why": REASON}, "Redis went away: the instance works from its own memory."),
        ("store moved", {"up": True, "why": REASON}, "Redis answers again."),
        ("reloaded", {"targets": ["a", "b"]}, "The settings were read again; 2 targets."),
        ("reload refused", {"why": REASON}, "New settings were refused, and the old ones stay; the log says why."),
        ("draining", {"open_requests": 3}, "The instance is draining."),
        ("admin", {"target": "gpu-1", "action": "drain"}, "gpu-1: an operator did drain."),
        ("bug", {"request_id": "req-1", "path": REASON}, "A bug of ours in req-1; the log has it."),
        ("background task failed", {}, "A background task failed and goes on; the log has it."),
    ],
)
def test_a_line_of_the_log_is_a_sentence_without_its_reasons(event: str, fields: dict[str, object], says: str) -> None:
    incidents, written = Incidents(), io.BytesIO()
    logger_to(Lines(written), incidents).info(event, **fields)
    (incident,) = incidents.newest_first
    assert incident.says == says
    assert incident.at.endswith("Z")
    assert event.encode() in written.getvalue()


def test_other_lines_are_none() -> None:
    incidents = Incidents()
    logger_to(Lines(io.BytesIO()), incidents).warning("something else")
    assert incidents.newest_first == ()


def test_the_newest_come_first_and_the_oldest_go() -> None:
    incidents = Incidents()
    log = logger_to(Lines(io.BytesIO()), incidents)
    for number in range(KEPT + 5):
        log.warning("target moved", target=f"gpu-{number}", up=False)
    told = [incident.says for incident in incidents.newest_first]
    assert (len(told), told[0], told[-1]) == (KEPT, f"gpu-{KEPT + 4} is down.", "gpu-5 is down.")


def test_every_sentence_is_of_an_event_that_is_logged() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "api/penstock").rglob("*.py"))
    logged = set(re.findall(r'log\.(?:info|warning|error|exception)\(\s*"([^"]+)"', sources))
    assert SENTENCES.keys() <= logged
