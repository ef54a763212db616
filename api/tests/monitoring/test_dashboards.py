"""The dashboards are whole: as Grafana's types have them, made from their code, and each panel says what it shows."""

import re
import subprocess
from collections import Counter
from collections.abc import Callable

import pytest
import yaml
from dashboards.boards import BOARDS as CODE

from tests.monitoring.dashboards import BOARDS, FILES, FOLDER, PANELS, Board, Panel
from tests.monitoring.promql import selectors
from tests.monitoring.rules import ALERTS, RECORDINGS
from tests.monitoring.watchers import MONITORING
from tests.pages import ROOT

UNITS = {
    "none",
    "reqps",
    "percentunit",
    "percent",
    "s",
    "currencyUSD",
    "suffix: tokens/s",
    "bytes",
    "mbytes",
    "celsius",
}
UNITS |= {"watt", "Bps", "ops"}
"""All in Grafana's list of units, but for the suffix."""
PLAN = {rule.name: float(rule.expr[7:-1]) for rule in RECORDINGS if rule.name.startswith("plan:")}
LIMITS = {
    "Error share": [PLAN["plan:penstock_errors_per_request:ratio30d"], PLAN["plan:penstock_errors_per_request:ratio"]],
    "Fallback share": [PLAN["plan:penstock_fallback_per_request:ratio"]],
    "Latency p99": [PLAN["plan:penstock_request_seconds:p99"]],
    "First token p95": [PLAN["plan:penstock_first_token_seconds:p95"]],
    "Paid within a day": [0.8 * PLAN["plan:penstock_cost_usd:increase1d"], PLAN["plan:penstock_cost_usd:increase1d"]],
    "Of a day's plan": [0.8, 1],
    "Certificate": [2 * 86400, 14 * 86400],
}
"""Where colours change, by the plan's numbers, or the alerts' own."""
COUNTED = [[], [1], [1, 2], [0.5, 1]]
"""Where nothing is planned: some or none, all or not."""

of_each_board = pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
of_each_panel = pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.name)


def test_the_files_are_what_the_code_makes() -> None:
    made = {f"{board.uid}.json": board.text() for board in CODE}
    assert {path.name: path.read_text() for path in FILES} == made, "run scripts/make_dashboards"


def test_grafana_s_own_types_take_them(require: Callable[[str], str]) -> None:
    require("npm")
    check = [ROOT / "scripts/ci/grafana/run", *FILES]
    done = subprocess.run(check, capture_output=True, text=True, check=False, timeout=100)
    assert done.stdout + done.stderr == ""
    assert done.returncode == 0


def test_the_types_are_those_of_the_grafana_that_runs() -> None:
    (image,) = re.findall(r"grafana/grafana:([\d.]+)", (ROOT / "docker-compose.prod.yml").read_text())
    assert f'"@grafana/schema": "{image}"' in (ROOT / "scripts/ci/grafana/package.json").read_text()


def test_names_are_unique() -> None:
    for names in ([board.uid for board in BOARDS], [board.json["title"] for board in BOARDS]):
        assert len(set(names)) == len(names)
    assert {board.path.stem: board.uid for board in BOARDS} == {board.uid: board.uid for board in BOARDS}


@of_each_board
class TestEveryBoard:
    def test_panels_lie_side_by_side(self, board: Board) -> None:
        taken: Counter[tuple[int, int]] = Counter()
        for each in board.json["panels"]:
            at = each["gridPos"]
            assert at["x"] + at["w"] <= 24, each["title"]
            taken.update((x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"]))
        assert max(taken.values()) == 1
        assert len({each["id"] for each in board.json["panels"]}) == len(board.json["panels"])

    def test_variables_are_used_and_those_used_exist(self, board: Board) -> None:
        """A place's is used by a link."""
        used = set(re.findall(r"\$\{?([a-z_]+)\}?", str(board.json)))
        assert used - {"__rate_interval", "__value", "__all"} == {each["name"] for each in board.variables}

    def test_links_lead_to_the_others_to_the_runbook_and_to_the_status_page(self, board: Board) -> None:
        others, *places = board.json["links"]
        assert (others["type"], others["tags"]) == ("dashboards", board.json["tags"])
        assert {link["url"] for link in places} == {"${runbook}", "${status_page}"}

    def test_it_asks_a_question(self, board: Board) -> None:
        assert "?" in board.json["description"]


@of_each_panel
class TestEveryPanel:
    def test_says_in_a_sentence_what_it_shows_and_in_what_unit(self, panel: Panel) -> None:
        assert panel.json["title"]
        assert re.fullmatch(r"[A-Za-z0-9`].+\.", panel.json["description"])
        assert {unit for _, unit in panel.units()} <= UNITS

    def test_asks_the_chosen_prometheus(self, panel: Panel) -> None:
        assert panel.json["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert panel.exprs

    def test_names_each_series_if_there_are_several(self, panel: Panel) -> None:
        several = len(panel.exprs) > 1 or any(" by (" in expr for expr in panel.exprs)
        if several and panel.json["type"] != "table":
            assert all(target.get("legendFormat") for target in panel.json["targets"])

    def test_a_legend_s_labels_are_of_the_series(self, panel: Panel) -> None:
        for target in panel.json["targets"]:
            labels = set(re.findall(r"\{\{(.*?)\}\}", target.get("legendFormat", "")))
            grouped = re.search(r"\bby \(([^)]*)\)", target["expr"])
            if grouped:
                assert labels <= set(re.findall(r"\w+", grouped[1])) - {"le"}


STATS = [panel for panel in PANELS if panel.json["type"] == "stat"]


@pytest.mark.parametrize("panel", STATS, ids=lambda panel: panel.name)
def test_colours_change_where_the_plan_or_an_alert_says(panel: Panel) -> None:
    """Without steps of its own, Grafana paints 80 of anything red."""
    (_, *steps) = (step["value"] for step in panel.defaults["thresholds"]["steps"])
    limits = LIMITS.get(panel.json["title"])
    assert steps == limits if limits else steps in COUNTED


def test_what_is_drawn_as_allowed_is_the_plan_s() -> None:
    drawn = {t["expr"] for p in PANELS for t in p.json["targets"] if t.get("legendFormat") == "allowed"}
    assert {name for name in PLAN if name != "plan:penstock_errors_per_request:ratio30d"} == drawn - {
        "redis_memory_max_bytes"
    }


def test_alerts_lead_to_dashboards_that_exist() -> None:
    linked = {rule.annotations["dashboard"].rpartition("/")[2] for rule in ALERTS}
    assert linked <= {board.uid for board in BOARDS}


def test_alerts_named_in_descriptions_exist() -> None:
    said = set(re.findall(r"\b(?:[A-Z][a-z]+){2,}\b", " ".join(panel.json["description"] for panel in PANELS)))
    assert said
    assert said <= {rule.name for rule in ALERTS}


def test_recordings_are_read_by_their_names() -> None:
    read = {
        re.sub(r"\{.*", "", each)
        for board in BOARDS
        for expr in board.exprs()
        for each in selectors(expr)
        if ":" in each
    }
    ours = {name for name in read if not name.startswith("vllm:") and re.fullmatch(r"\w+:\w+:\w+", name)}
    assert ours
    assert ours <= {rule.name for rule in RECORDINGS}


def test_recordings_of_versions_and_places_are_shown() -> None:
    shown = " ".join(expr for board in BOARDS for expr in board.exprs())
    made_for_them = [rule.name for rule in RECORDINGS if rule.file.stem in {"versions", "places"}]
    assert [name for name in made_for_them if name not in shown] == []


def test_the_runbook_is_where_alerts_say() -> None:
    config = yaml.safe_load((MONITORING / "prometheus/prometheus.yml").read_text())
    (places,) = [rule for rule in RECORDINGS if rule.name == "penstock:places:info"]
    assert places.labels["runbook"] == config["global"]["external_labels"]["runbook"]


def test_grafana_finds_them_and_asks_as_often_as_prometheus_reads() -> None:
    (provider,) = yaml.safe_load((MONITORING / "grafana/provisioning/dashboards/penstock.yml").read_text())["providers"]
    (source,) = yaml.safe_load((MONITORING / "grafana/provisioning/datasources/prometheus.yml").read_text())[
        "datasources"
    ]
    grafana = yaml.safe_load((ROOT / "docker-compose.prod.yml").read_text())["services"]["grafana"]
    assert f"./{FOLDER.relative_to(ROOT)}:{provider['options']['path']}:ro" in grafana["volumes"]
    home = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home == f"{provider['options']['path']}/penstock-overview.json"
    config = yaml.safe_load((MONITORING / "prometheus/prometheus.yml").read_text())
    assert source["jsonData"]["timeInterval"] == config["global"]["scrape_interval"]
    assert {each["current"]["value"] for b in BOARDS for each in b.variables if each["name"] == "datasource"} == {
        source["uid"]
    }
