"""docs/alerts.md has every alert, what is planned and what is quiet, as the rules and Alertmanager have them."""

import re

from tests.monitoring.rules import ALERTS, RECORDINGS, ROUTES
from tests.pages import named, page, rows, section

PAGE = page("docs/alerts.md")


def test_every_alert_stands_there_with_its_severity_its_wait_and_its_sentence() -> None:
    told = [tuple(row) for row in rows(section(PAGE, "## Every alert"))]
    waits = {"0s": "at once"}
    assert told == [
        (rule.name, rule.severity, waits.get(rule.wait, rule.wait), rule.annotations["description"]) for rule in ALERTS
    ]


def test_the_plan_stands_there() -> None:
    told = {named(name): value for name, value, _ in rows(section(PAGE, "## The plan"))}
    plan = {rule.name: rule.expr.removeprefix("vector(").rstrip(")") for rule in RECORDINGS if rule.file.stem == "plan"}
    assert told == plan


def test_the_sentences_have_the_plan_s_numbers() -> None:
    plan = {name: float(value) for name, value, _ in rows(section(PAGE, "## The plan"))}
    sentences = {rule.name: rule.annotations["description"] for rule in ALERTS}
    for alert, name, unit in (
        ("ErrorRateHigh", "errors_per_request:ratio", "%"),
        ("FallbackRateHigh", "fallback_per_request:ratio", "%"),
        ("LatencyHigh", "request_seconds:p99", "s"),
        ("FirstTokenSlow", "first_token_seconds:p95", "s"),
    ):
        value = plan[f"`plan:penstock_{name}`"] * (100 if unit == "%" else 1)
        assert f" {value:g} {unit}" in sentences[alert], alert


def test_what_is_quiet_stands_there() -> None:
    told = [(loud, set(quiet.split(", ")), same) for loud, quiet, same in rows(section(PAGE, "## What is quiet"))]
    silent = []
    for rule in ROUTES["inhibit_rules"][1:]:
        (loud,), (quiet,) = (re.findall(r'"(.+)"', rule[side][0]) for side in ("source_matchers", "target_matchers"))
        silent.append((loud, set(quiet.split("|")), ", ".join(rule.get("equal", ()))))
    assert told == silent


def test_severities_are_repeated_as_told() -> None:
    told = {severity: after.replace(" ", "") for severity, _, _, after in rows(PAGE.split("## Every alert")[0])}
    page_, info = ROUTES["route"]["routes"]
    assert told == {
        "page": page_["repeat_interval"],
        "ticket": ROUTES["route"]["repeat_interval"],
        "info": info["repeat_interval"],
    }
