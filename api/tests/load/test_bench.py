"""scripts/bench measures: every program of a short run has figures, and none of its requests fails."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SHORT = ("--quick", "--seconds", "1", "--only", "small,streams-200,function", "--peers", "nginx,vllm-router")


@pytest.mark.slow
@pytest.mark.skipif(os.cpu_count() == 1, reason="the program under test and the load each take a core")
def test_a_short_run_measures_and_names_who_is_absent(require: Callable[[str], str], tmp_path: Path) -> None:
    require("nginx")
    require("wrk")
    path = os.pathsep.join(map(str, (ROOT / "scripts", ROOT / "api", ROOT / "vllm/simulator")))
    run = subprocess.run(
        [sys.executable, "-m", "benchmark", *SHORT],
        env={**os.environ, "PYTHONPATH": path, "PENSTOCK_BENCH_PEERS": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert run.returncode == 0, run.stderr
    rows = [line.split() for line in run.stdout.splitlines() if line.split()]
    measured = {
        name: [float(row[1].replace(",", "")) for row in rows if row[0] == name] for name in ("penstock", "nginx")
    }
    assert len(measured["penstock"]) == 3
    assert len(measured["nginx"]) == 2
    assert all(figure > 0 for figures in measured.values() for figure in figures)
    assert "errors" not in run.stdout
    assert [row[1] for row in rows if row[0] == "vllm-router"] == ["absent", "absent"]
