"""The rules and configurations are whole, and each alert has its tests and everything that its reader needs."""

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from tests.monitoring.rules import ALERTS, FILES, RECORDINGS, ROUTES, Rule, metrics
from tests.monitoring.watchers import MONITORING

TESTS = sorted((MONITORING / "prometheus/tests").glob("*.yml"))


def run(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_prometheus_takes_the_configuration_and_every_rule_file(require: Callable[[str], str]) -> None:
    program, config = require("promtool"), MONITORING / "prometheus/prometheus.yml"
    told = run(program, "check", "config", "--lint=all", "--lint-fatal", config)
    assert all(f"rules/{file.name}" in told for file in FILES)


def test_alertmanager_takes_its_configuration(require: Callable[[str], str], tmp_path: Path) -> None:
    text = (MONITORING / "alertmanager/alertmanager.yml").read_text()
    assert text.count("url_file: /run/secrets/") == 2
    copy = tmp_path / "alertmanager.yml"  # Debian's version does not know url_file of a webhook
    copy.write_text(text.replace("{url_file: /run/secrets/pager_url", "{url: http://127.0.0.1:9"))
    run(require("amtool"), "check-config", copy)


@pytest.mark.parametrize("file", TESTS, ids=lambda path: path.stem)
def test_alerts_fire_and_end_when_they_should(file: Path, require: Callable[[str], str]) -> None:
    run(require("promtool"), "test", "rules", file)


def looks(rule: Rule) -> Iterator[list[bool]]:
    """Of each test that looks at an alert: whether it fires, look by look."""
    for file in TESTS:
        for test in yaml.safe_load(file.read_text())["tests"]:
            mine = [
                look.get("exp_alerts", ()) for look in test.get("alert_rule_test", ()) if look["alertname"] == rule.name
            ]
            yield [any(alert["exp_labels"]["severity"] == rule.severity for alert in alerts) for alerts in mine]


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: f"{rule.name}-{rule.severity}")
class TestEveryAlert:
    def test_is_tested_for_silence_for_firing_and_for_its_end(self, rule: Rule) -> None:
        assert any(seen[0] is False and seen[-1] is False and True in seen for seen in looks(rule) if seen)

    def test_says_how_bad_it_is_with_numbers_and_where_to_look(self, rule: Rule) -> None:
        assert rule.severity in {"page", "ticket", "info"}
        told = rule.annotations
        assert set(told) == {"summary", "description", "dashboard", "runbook"}
        assert re.search(r"\$value|\bquery\b", told["summary"])
        assert re.fullmatch(r"\{\{ \$externalLabels\.grafana \}\}/d/penstock-\w+", told["dashboard"])
        assert told["runbook"] == f"{{{{ $externalLabels.runbook }}}}/{rule.name}.md"


@pytest.mark.parametrize("rule", RECORDINGS, ids=lambda rule: rule.name)
def test_a_recording_is_named_by_level_metric_and_operation(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z_]+:\w+:[a-z0-9_]+", rule.name)
    assert rule.name not in metrics(rule.expr)


def test_where_alerts_lead_is_told_once_and_no_label_of_theirs() -> None:
    config = yaml.safe_load((MONITORING / "prometheus/prometheus.yml").read_text())
    outside = set(config["global"]["external_labels"])
    assert outside == {"environment", "grafana", "runbook"}
    (drop,) = config["alerting"]["alert_relabel_configs"]
    assert drop["action"] == "labeldrop"
    assert set(drop["regex"].split("|")) == outside


def test_jobs_that_rules_name_are_scraped() -> None:
    scraped = {
        job["job_name"]
        for job in yaml.safe_load((MONITORING / "prometheus/prometheus.yml").read_text())["scrape_configs"]
    }
    named = {
        job
        for rule in ALERTS + RECORDINGS
        for jobs in re.findall(r'job!?=~?"([^"]+)"', rule.expr)
        for job in jobs.split("|")
    }
    assert named
    assert named <= scraped


def test_what_is_inhibited_exists() -> None:
    names = {rule.name for rule in ALERTS}
    for rule in ROUTES["inhibit_rules"]:
        matchers = rule["source_matchers"] + rule["target_matchers"]
        for matcher in (each for each in matchers if each.startswith("alertname")):
            assert set(matcher.split('"')[1].split("|")) <= names, matcher
