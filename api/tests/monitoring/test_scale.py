"""scripts/scale_alerts.py: times become shorter, and nothing else changes."""

import subprocess
import sys
from pathlib import Path

import yaml

from tests.pages import ROOT

RULES = """
groups:
  - name: one
    interval: 30s
    rules:
      - record: a:b:rate5m # for: 5m
        expr: rate(b[5m]) + rate(c[1h]) > 60 * 1
      - alert: A
        expr: a:b:rate5m > 1
        for: 10m # long enough
        keep_firing_for: 5s
"""


def scale(folder: Path, text: str, *flags: str) -> str:
    (folder / "from").mkdir()
    (folder / "from/one.yml").write_text(text)
    script = ROOT / "scripts/scale_alerts.py"
    subprocess.run([sys.executable, script, folder / "from", folder / "to", *flags], check=True, timeout=20)
    return (folder / "to/one.yml").read_text()


def test_waits_become_shorter_and_nothing_else_changes(tmp_path: Path) -> None:
    told = scale(tmp_path, RULES, "--by", "0.05")
    assert told == RULES.replace("for: 10m", "for: 30000ms").replace("for: 5s", "for: 1000ms")


def test_ranges_too_where_it_is_asked_for(tmp_path: Path) -> None:
    told = scale(tmp_path, RULES, "--windows", "0.01", "--shortest", "10")
    (one,) = yaml.safe_load(told)["groups"]
    assert one["rules"][0]["expr"] == "rate(b[10000ms]) + rate(c[36000ms]) > 60 * 1"
    assert one["rules"][0]["record"] == "a:b:rate5m"


def test_ranges_of_days_need_not_stay_longer_than_is_asked_for(tmp_path: Path) -> None:
    told = scale(tmp_path, "expr: a[3d] + b[5m] + c[5s]", "--windows", "0.1", "--shortest", "10", "--longest", "60")
    assert told == "expr: a[60000ms] + b[30000ms] + c[5000ms]"


def test_what_is_planned_for_a_range_shrinks_with_it(tmp_path: Path) -> None:
    plan = '- {record: "plan:cost:increase1d", expr: vector(20)} # a day\n- {record: "plan:p:p99", expr: vector(3)}\n'
    told = scale(tmp_path, plan, "--windows", "0.0001", "--shortest", "6")
    assert told == plan.replace("vector(20)", "vector(0.002)")


def test_alertmanager_s_waits_too(tmp_path: Path) -> None:
    told = scale(tmp_path, "route:\n  group_wait: 30s\n  routes:\n    - group_interval: 5m\n", "--by", "0.1")
    assert told == "route:\n  group_wait: 3000ms\n  routes:\n    - group_interval: 30000ms\n"


def test_nothing_becomes_longer(tmp_path: Path) -> None:
    assert (
        scale(tmp_path, "    for: 500ms\n    expr: a[5s]\n", "--windows", "0.1")
        == "    for: 500ms\n    expr: a[5000ms]\n"
    )
