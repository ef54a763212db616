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
    noted = {
        report.nodeid.rpartition("::")[2]: dict(pair for name, pair in report.user_properties if name == FIGURE)
        for reports in terminal.stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport) and report.when == "teardown"
    }
    noted = {test: figures for test, figures in noted.items() if figures}
    if not noted:
        return
    terminal.section("figures")
    for test, figures in noted.items():
        terminal.write_line(test)
        for name, value in figures.items():
            terminal.write_line(f"    {name:<44} {value:,.4g}" if isinstance(value, float) else f"    {name:<44} {value}")
    if path := os.environ.get("PENSTOCK_FIGURES"):
        Path(path).write_text(json.dumps(noted, indent=2) + "\n")
