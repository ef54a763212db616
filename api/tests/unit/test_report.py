"""`penstock status` as text: it fits, and its colours only repeat what the words say."""

import re
from typing import Any

import pytest
from penstock.report import WIDTH, report

NONE = {"p50": None, "p95": None, "p99": None}
FIGURES: dict[str, Any] = {
    "requests_per_s": 12345.6, "error_share": 0.123, "fallback_share": None, "tokens_per_s": 1234567.0,
    "latency_s": {"p50": 0.4, "p95": 1.5, "p99": 300.0}, "first_token_s": NONE,
}  # fmt: skip
LONG = "a-name-that-is-longer-than-any-column-can-be-" * 3


def target(name: str, **how: Any) -> dict[str, Any]:
    engine = {"running": 99999, "waiting": 99999, "kv_cache_usage": 1.0, "tokens_per_s": 123456.0, "age_s": 0.1}
    plain = {"kind": "replica", "up": True, "drained": False, "breaker": "closed", "retry_in_s": 0, "in_flight": 99999}
    return {"id": name, **plain, "engine": engine, **how}


TARGETS = [
    target("gpu-1"),
    target("gpu-2", up=False, engine=None),
    target("gpu-3", breaker="open"),
    target("gpu-4", breaker="half-open"),
    target("gpu-5", drained=True),
    target(LONG, engine=None),
    target("cloud", kind="cloud", engine=None),
]
STATUS: dict[str, Any] = {
    "version": "1.2.3", "state": "ready", "up_s": 100.0, "lately_s": 300.0, "lately": FIGURES,
    "attention": [{"level": "critical", "says": LONG * 2}, {"level": "warning", "says": "Look."}],
    "since_start": {"saved_usd": 1234567.891, "cost_usd": 0.001},
    "models": [{"name": LONG, "aliases": [LONG], "lately": FIGURES, "targets": TARGETS}],
    "unplaced": [target("gpu-9")],
    "incidents": [{"at": "2026-11-25T12:00:00.123456Z", "says": LONG * 2}],
}  # fmt: skip


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", f"http://{LONG}"])
def test_every_line_fits(url: str) -> None:
    lines = report(STATUS, url, colour=False).splitlines()
    assert max(map(len, lines)) <= WIDTH


def test_colours_only_repeat_what_the_words_say() -> None:
    plain, coloured = (report(STATUS, "http://x", colour=colour) for colour in (False, True))
    assert "\x1b" in coloured
    assert re.sub(r"\x1b\[\d+m", "", coloured) == plain


def test_how_targets_stand() -> None:
    rows = {row[0]: row[1:] for row in map(str.split, report(STATUS, "http://x", colour=False).splitlines()) if row}
    assert rows["gpu-1"] == ["replica", "up", "closed", "99999", "99999", "99999", "100.0%", "123456"]
    assert rows["gpu-2"] == ["replica", "DOWN", "closed", "99999", "-", "-", "-", "-"]
    assert (rows["gpu-3"][2], rows["gpu-4"][2], rows["gpu-5"][1]) == ("OPEN", "half-open", "drained")
    assert rows["cloud"][:3] == ["cloud", "-", "closed"]
    assert [row[0] for name, row in rows.items() if name.endswith("…") and len(name) < WIDTH / 2] == ["replica"]
    assert "gpu-9" in rows


def test_what_is_empty_is_not_shown() -> None:
    text = report({**STATUS, "attention": [], "unplaced": [], "incidents": []}, "http://x", colour=False)
    assert "✓ All is well." in text
    assert "not known" not in text
