"""What is told of a load: percentiles, what was open at once, slices of time, a page with a picture, a PNG."""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest
from operations.load import report
from operations.load.chart import Panel, draw, round_above
from operations.load.outcome import Outcome, Sample, in_flight, quantiles
from operations.load.series import slices


def sample(due: float, seconds: float = 0.5, **more: Any) -> Sample:
    told = {"first_token_s": 0.1, "late_s": 0.0, "stream": True, "status": 200, "ended": "ok", "how": "", **more}
    return Sample(due, seconds, **told)


@pytest.fixture
def outcome() -> Outcome:
    """Ten a second for ten seconds; in the fourth second all take long, and in the sixth half fail at once."""
    one = Outcome(seconds=11)
    for number in range(100):
        due = number / 10
        if 3 <= due < 4:
            one.add(sample(due, 4))
        elif 5 <= due < 6 and number % 2:
            one.add(sample(due, 0.001, status=500, ended="failed", how="status 500", first_token_s=0.0))
        else:
            one.add(sample(due, tokens=11, target="gpu-1"))
    return one


def test_percentiles_are_values_that_there_were() -> None:
    assert quantiles([]) == {}
    told = quantiles(range(1000))
    assert told == {"p50": 500, "p90": 900, "p95": 950, "p99": 990, "p99.9": 999, "max": 999}


def test_a_quick_failure_is_no_quick_answer_and_a_wait_in_vain_counts(outcome: Outcome) -> None:
    told: dict[str, Any] = outcome.summary()
    assert (told["requests"], told["failed"], told["error_rate"]) == (100, 5, 0.05)
    assert (told["latency_s"]["p50"], told["latency_s"]["p90"]) == (0.5, 4)
    assert told["tokens_per_second"] == 85 * 11 / 11
    assert told["targets"] == {"gpu-1": 85}
    outcome.samples = [sample(0, 30, ended="failed", how="no whole answer in 30 s", gave_up=True, status=0)]
    told = outcome.summary()
    assert told["latency_s"]["p50"] == 30
    outcome.samples = [sample(0, 0.001, ended="failed", how="status 500", status=500)]
    assert outcome.summary()["latency_s"] == {}


def test_in_flight(outcome: Outcome) -> None:
    assert in_flight([]) == {}
    assert in_flight([sample(0, 2), sample(1, 2), sample(5, 1)]) == {"mean": 0.8, "max": 2}
    assert outcome.summary()["in_flight"]["max"] == 15  # type: ignore[index]


def test_over_time(outcome: Outcome) -> None:
    series = slices(outcome.samples)
    assert [each.start for each in series] == list(range(10))
    assert [each.latency_s["p99"] for each in series] == [0.5, 0.5, 0.5, 4, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]
    assert series[5].ended == {"ok": 5, "failed": 5}
    assert series[0].arrivals == 10
    assert [each.in_flight for each in series[:6]] == [5, 5, 5, 10, 15, 15]


def test_a_long_run_has_no_more_slices_than_a_picture_shows() -> None:
    series = slices([sample(float(due)) for due in range(3600)])
    assert len(series) == 120
    assert series[0].seconds == 30
    assert all(each.arrivals == 1 for each in series)


def test_the_page_stands_alone_and_shows_it_all(outcome: Outcome, tmp_path: Path) -> None:
    report.write(tmp_path, "a <load>", outcome)
    text = (tmp_path / "load.html").read_text()
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "<h1>a &lt;load&gt;</h1>" in text
    for word in ("p99.9", "first token", "status 500", "gpu-1", "<svg", "In flight", "Arrivals"):
        assert word in text
    assert "Not valid" not in text
    assert len(json.loads((tmp_path / "load.json").read_text())["samples"]) == 100


def test_a_run_that_is_not_valid_says_so_above_all(outcome: Outcome) -> None:
    outcome.pauses += [0.2] * 10
    assert "Not valid: the sender itself was late by 200 ms" in report.page("load", outcome, "")


def test_the_picture_is_made_into_a_png(require: Callable[[str], str], outcome: Outcome, tmp_path: Path) -> None:
    require("chromium")
    assert report.write(tmp_path, "load", outcome) == ""
    data = (tmp_path / "load.png").read_bytes()
    assert data.startswith(b"\x89PNG")
    assert struct.unpack(">II", data[16:24]) == (860, 1100)


def test_without_a_painter_the_rest_is_there(outcome: Outcome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "librsvg2-bin" in report.write(tmp_path / "told", "load", outcome)
    assert sorted(each.name for each in (tmp_path / "told").iterdir()) == ["load.html", "load.json", "load.svg"]


def test_a_run_that_sent_nothing_has_a_page_too(tmp_path: Path) -> None:
    fromstring(draw(report.panels(slices([]))))
    assert "<svg" in report.page("load", Outcome(), draw(report.panels([])))


def test_bars_stand_on_each_other_and_a_gap_is_a_gap() -> None:
    stacked = Panel("ends", [0, 1], {"ok": [3, 3], "failed": [1, 0]}, stacked=True)
    bars = [
        each for each in fromstring(draw([stacked])).findall(".//{*}rect") if each.get("width") not in ("10", "100%")
    ]
    assert [float(each.get("height", 0)) for each in bars] == pytest.approx([92.4, 92.4, 30.8], abs=0.1)
    assert float(bars[2].get("y", 0)) + 30.8 == pytest.approx(float(bars[0].get("y", 0)), abs=0.1)
    line = Panel("times", [0, 1, 2], {"p50": [1, None, 2]})
    (points,) = [each.get("points", "") for each in fromstring(draw([line])).findall(".//{*}polyline")]
    assert len(points.split()) == 2


@pytest.mark.parametrize(("largest", "top"), [(0, 1), (0.7, 1), (1, 1), (1.2, 2), (2.1, 2.5), (31, 50), (730, 1000)])
def test_a_scale_ends_at_a_round_number(largest: float, top: float) -> None:
    assert round_above(largest) == top
