"""docs/runbook has a page for every alert and procedure, each whole, and everything that a page names exists."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from drills import page as pages
from drills.page import PLATFORMS, PROCEDURES, SECTIONS, Page
from tests.monitoring.rules import ALERTS, RECORDINGS
from tests.pages import ROOT, page, rows, section

README = page("docs/runbook/README.md")
NAMES = pages.names()
PAGES = [pages.read(name) for name in NAMES]
COMPOSE = "".join(
    path.read_text()
    for path in [ROOT / "docker-compose.prod.yml", *sorted((ROOT / "infrastructure/compose").glob("*.yml"))]
)
SERVICES = set(re.findall(r"^  ([a-z][\w-]+):", COMPOSE, re.MULTILINE))
SCRIPTS = {path.name for path in (ROOT / "scripts").iterdir()}
SEVERITIES = {rule.name: {each.severity for each in ALERTS if each.name == rule.name} for rule in ALERTS}
METRICS = set(re.findall(r"^\| `(penstock_\w+)`", page("docs/metrics.md"), re.MULTILINE))
TEXTS = [
    path.read_text()
    for folder, pattern in (
        ("monitoring", "**/*.yml"),
        ("docs", "*.md"),
        ("infrastructure", "compose/*.yml"),
        ("vllm", "simulator/vllm_simulator/*.py"),
        ("vllm", "serve.sh"),
        ("scripts", "query"),
        ("scripts", "drills/*.py"),
    )
    for path in sorted((ROOT / folder).glob(pattern))
] + [COMPOSE]
"""Where settings are read or described, and metrics made or described."""


def of_page(one: Page) -> str:
    return one.name


def test_there_is_a_page_for_every_alert_and_procedure_and_none_for_what_does_not_exist() -> None:
    assert set(NAMES) == {rule.name for rule in ALERTS} | set(PROCEDURES)


@pytest.mark.parametrize("one", PAGES, ids=of_page)
class TestEveryPage:
    def test_its_sections_are_all_there_in_their_order(self, one: Page) -> None:
        cut = SECTIONS.index("Remedy") + 1
        assert one.text.startswith(f"# {one.name}\n\n")
        assert one.headings == [*SECTIONS[:cut], *PLATFORMS, *SECTIONS[cut:]]
        for heading in one.headings:
            assert one.section(heading).strip() or heading == "Remedy", heading

    def test_its_first_line_says_how_bad_it_is_in_the_rule_s_words(self, one: Page) -> None:
        first = " ".join(one.text.split("\n## ")[0].split("\n", 2)[2].split())
        if one.alert is None:
            assert first.startswith("Procedure. ")
            return
        assert {word for word in ("page", "ticket", "info") if word in first.lower().split(". ")[0]} == SEVERITIES[
            one.name
        ]
        said = [rule.annotations["description"] for rule in ALERTS if rule.name == one.name]
        assert any(text in first for text in said), said

    def test_what_is_run_stands_in_blocks(self, one: Page) -> None:
        for heading in (*PLATFORMS, "Diagnose", "Verify", "Drill"):
            assert one.blocks(heading), heading
        assert len(one.blocks("Drill")) == 1
        assert len(one.blocks("Diagnose", "text")) > len(one.blocks("Diagnose")), "what it says, healthy and sick"

    def test_it_runs_scripts_and_services_that_exist(self, one: Page) -> None:
        told = "\n".join(text for heading in ("Diagnose", "Compose", "Verify", "Drill") for text in one.blocks(heading))
        assert set(re.findall(r"(?<![\w/])scripts/([\w.-]+)", one.text)) <= SCRIPTS
        assert set(services(told)) <= SERVICES

    def test_the_metrics_that_it_asks_for_exist(self, one: Page) -> None:
        asked = "\n".join(one.blocks("Diagnose") + one.blocks("Verify"))
        recorded = set(re.findall(r"\b[a-z_]+:\w+:\w+", asked))
        assert recorded <= {rule.name for rule in RECORDINGS}
        rest = re.sub(r"\b[a-z_]+:\w+:\w+", "", asked)
        ours = {re.sub(r"_(bucket|sum|count|created)$", "", name) for name in re.findall(r"\bpenstock_\w+", rest)}
        assert ours <= METRICS
        for name in set(re.findall(r"vllm:\w+|\b(?:DCGM|edge|alertmanager)_\w+", rest)):
            plain = re.sub(r"_(bucket|sum|count|created|total)$", "", name)
            assert any(plain in text for text in TEXTS), name

    def test_the_settings_that_it_names_exist(self, one: Page) -> None:
        for name in set(re.findall(r"\b(?:PENSTOCK|SERVE|EDGE)_[A-Z0-9_]+\b", one.text)):
            assert any(re.search(rf"\b{name}\b", text) for text in TEXTS), name


def services(script: str) -> Iterator[str]:
    """The services that `docker compose` is told of."""
    verbs = "exec -T|kill|start|stop|restart|pause|unpause|logs|ps|up|rm|port|create"
    for words in re.findall(rf"docker compose(?: --profile \S+)? (?:{verbs})\b([^|\n;&)]*)", script):
        for word in re.sub(r"'[^']*'|\"[^\"]*\"", "", words).split():
            if word in SERVICES or re.fullmatch(r"(?:api|vllm)-[\w-]+|\w+-exporter", word):
                yield word


def test_every_page_is_in_the_index_with_its_severity() -> None:
    told = {row[0].split("]")[0].strip("["): row[1] for row in rows(section(README, "## Pages"))}
    assert set(told) == set(NAMES)
    for name, severity in told.items():
        assert set(severity.split(", ")) == SEVERITIES.get(name, {"procedure"}), name


def test_every_page_is_in_the_table_of_times() -> None:
    told = {row[0].split("]")[0].strip("[") for row in rows(section(README, "## What the drills took"))}
    assert told == set(NAMES)
