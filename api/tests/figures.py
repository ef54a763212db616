"""Figures that a test measured: shown at the end of the run, and written to the file that PENSTOCK_FIGURES names."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

FIGURE = "figure"

Figures = Callable[..., None]
"""`figures(p99_ms=12.3, …)`: each stands under the test's name. May be called again for more."""


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Figures:
    def note(**named: float | str) -> None:
        # A report's properties come through from the workers of a parallel run.
        request.node.user_properties.extend((FIGURE, pair) for pair in named.items())

    return note


def write_figures(terminal: pytest.TerminalReporter) -> None:
    """What every test noted."""
    noted: dict[str, dict[str, float | str]] = {}
    for report in (each for reports in terminal.stats.values() for each in reports):
        if isinstance(report, pytest.TestReport) and report.when == "teardown":
            test = report.nodeid.rpartition("::")[2]
            for name, value in report.user_properties:
                if name == FIGURE:
                    noted.setdefault(test, {}).update([value])  # type: ignore[list-item]  # a pair, as noted above
    if not noted:
        return
    terminal.section("figures")
    for test, figures in noted.items():
        terminal.write_line(test)
        for name, value in figures.items():
            terminal.write_line(f"    {name:<44} {_shown(value)}")
    if path := os.environ.get("PENSTOCK_FIGURES"):
        Path(path).write_text(json.dumps(noted, indent=2) + "\n")


def _shown(value: float | str) -> str:
    return f"{value:,.4g}" if isinstance(value, float) else str(value)
