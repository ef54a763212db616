"""A folder that tells of a run: the numbers, a picture, and a page that needs nothing else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from operations.load.chart import HEIGHT, WIDTH, Panel, draw
from operations.load.outcome import SHARES, Outcome
from operations.load.series import Slice, slices

TIMES = {"latency_s": "whole answer", "post_s": "not streamed", "stream_s": "streams", "first_token_s": "first token"}
STYLE = """
:root { color-scheme: light }
body { font: 15px system-ui, sans-serif; max-width: 900px; margin: 2em auto; padding: 0 1em }
table { border-collapse: collapse; margin: 1em 0 } td, th { padding: .25em .9em .25em 0; text-align: right }
td:first-child, th:first-child { text-align: left } th { border-bottom: 1px solid #d0d7de } svg { max-width: 100% }
.ill { color: #cf222e; font-weight: 600 }
"""
PNG_LIMIT_S = 60


def write(folder: Path, title: str, outcome: Outcome) -> str:
    """Into that folder: load.json, load.svg, load.html, and load.png. Why there is no PNG; else empty."""
    folder.mkdir(parents=True, exist_ok=True)
    picture = draw(panels(slices(outcome.samples)))
    (folder / "load.json").write_text(json.dumps(outcome.as_json()))
    (folder / "load.svg").write_text(picture)
    (folder / "load.html").write_text(page(title, outcome, picture))
    return _paint(folder / "load.svg", folder / "load.png")


def panels(series: Sequence[Slice]) -> list[Panel]:
    moments = [each.start for each in series]
    percentiles = ("p50", "p95", "p99")
    ends = ("ok", "failed", "broken")
    return [
        Panel("Whole answers, s", moments, {at: [each.latency_s.get(at) for each in series] for at in percentiles}),
        Panel("First tokens, s", moments, {at: [each.first_token_s.get(at) for each in series] for at in percentiles}),
        Panel(
            "Requests by how they ended, a second",
            moments,
            {end: [each.ended.get(end, 0) / each.seconds for each in series] for end in ends},
            stacked=True,
        ),
        Panel("In flight, the most at once", moments, {"in flight": [each.in_flight for each in series]}),
        Panel("Arrivals, a second", moments, {"due": [each.arrivals for each in series]}),
    ]


def page(title: str, outcome: Outcome, picture: str) -> str:
    """HTML with everything inside."""
    told = outcome.summary()
    plain = {name: value for name, value in told.items() if not isinstance(value, Mapping)}
    ill = "" if outcome.valid else f'<p class="ill">Not valid: {escape(not_valid(outcome))}.</p>'
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}</style>'
        f"<h1>{escape(title)}</h1>{ill}"
        f"<p>Times are from when a request was due, not from when it could be sent.</p>"
        f"{_times(told)}{_pairs(plain)}{_pairs(_counts(told, 'how'))}{_pairs(_counts(told, 'targets'))}"
        f"{picture}</html>\n"
    )


def not_valid(outcome: Outcome) -> str:
    """Why."""
    late, most = outcome.late_s * 1000, outcome.may_be_late_s * 1000
    return (
        f"the sender itself was late by {late:.0f} ms at its p99, and {most:.0f} are allowed. Its times are not the "
        "server's: send less, or from a machine that has more room"
    )


def _times(told: Mapping[str, object]) -> str:
    rows = [(name, _counts(told, key)) for key, name in TIMES.items()]
    head = "".join(f"<th>{share}</th>" for share in SHARES)
    lines = (
        f"<tr><td>{name}, s</td>{''.join(f'<td>{times[share]}</td>' for share in SHARES)}</tr>"
        for name, times in rows
        if times
    )
    return f"<table><tr><th>time</th>{head}</tr>{''.join(lines)}</table>"


def _pairs(told: Mapping[str, object]) -> str:
    rows = (f"<tr><td>{escape(name)}</td><td>{escape(str(value))}</td></tr>" for name, value in told.items())
    return f"<table>{''.join(rows)}</table>" if told else ""


def _counts(told: Mapping[str, object], name: str) -> Mapping[str, object]:
    found = told[name]
    assert isinstance(found, Mapping)
    return found


def _paint(picture: Path, png: Path) -> str:
    command = _painter(picture, png)
    if not command:
        return "no PNG: neither rsvg-convert (Debian: librsvg2-bin) nor Chromium is here"
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=PNG_LIMIT_S)
    except (OSError, subprocess.SubprocessError) as error:
        return f"no PNG: {error}"
    return "" if png.exists() else f"no PNG: {command[0]} made none"


def _painter(picture: Path, png: Path) -> list[str]:
    if found := shutil.which("rsvg-convert"):
        return [found, "--output", str(png), str(picture)]
    if found := shutil.which("chromium") or shutil.which("google-chrome"):
        root = ["--no-sandbox"] if os.geteuid() == 0 else []  # it refuses to run otherwise; the picture is our own
        size = f"--window-size={WIDTH},{HEIGHT * len(panels([]))}"
        shot = f"--screenshot={png.resolve()}"
        return [
            found,
            "--headless",
            "--disable-gpu",
            "--hide-scrollbars",
            *root,
            size,
            shot,
            picture.resolve().as_uri(),
        ]
    return []
