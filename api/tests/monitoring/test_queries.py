"""Every query of every dashboard and rule, asked of a real Prometheus that reads the whole stack on a bad day.

Nothing that a panel shows or an alert compares may be missing there, and every value must be one that can be.
"""

import math
import re
from collections.abc import Callable, Iterator
from functools import partial

import pytest
import yaml

from tests.monitoring.asking import SOON_S, lately, soon, there, values
from tests.monitoring.dashboards import BOARDS, PANELS, Board, Panel, filled
from tests.monitoring.promql import operands, told
from tests.monitoring.rules import ALERTS, RECORDINGS, Rule
from tests.monitoring.traffic import Traffic
from tests.monitoring.watchers import MONITORING
from tests.monitoring.whole import COLOURS, KEYS, Whole
from tests.talk import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400), pytest.mark.xdist_group("queries")]

WHOLE = 1.1
"""As much as a share may be: a rule may see a reading that came after the rule before it looked, one of `READINGS`."""
READINGS = 25
YOUNGEST = 'count_over_time(penstock_requests_total{model="lost"}[5m])'
POSSIBLE = {
    "none": (0, 1e6),
    "reqps": (0, 1e4),
    "percentunit": (0, WHOLE),
    "percent": (0, 100),
    "s": (0, 60),
    "currencyUSD": (0, 1e5),
    "suffix: tokens/s": (0, 1e6),
    "bytes": (0, 1e13),
    "mbytes": (1, 1e6),
    "celsius": (10, 110),
    "watt": (10, 1500),
    "Bps": (0, 1e11),
    "ops": (0, 1e6),
}
"""The least and the most, by unit."""
LONG = {"penstock-machines: Certificate"}
"""Seconds that are years."""
STILL = {
    "penstock-machines: Network",  # only loopback may be busy
    "penstock-callers: Refused by the edge",
    "penstock-callers: Waiting for a turn",
    "penstock-machines: Evicted keys",
    "penstock-machines: Killed for want of memory",
    "penstock-overview: Waiting at replicas",
    "penstock-replicas: Preemptions",
    "penstock-replicas: Queue",
    "penstock-replicas: Rows that could not be replaced",
    "penstock-replicas: Starts within an hour",
}
"""Panels where 0 is all there is to see that day."""


@pytest.fixture(scope="module")
def whole(require: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    """On a bad day: streams break, a cloud answers, a model has nobody, a GPU errs."""
    for name in ("nginx-lua", "prometheus-alertmanager"):
        require(name)
    with Whole(require, tmp_path_factory.mktemp("whole")) as whole, Traffic(whole.edge.url, *KEYS.values()):
        whole.replicas[0].fault("cut", after_events=2, probability=0.3)
        whole.replicas[1].fault("status", status=500, probability=0.1)
        until(lambda: whole.prometheus.value("count(up == 1)") == sum(map(len, whole.jobs.values())), SOON_S)
        whole.gpus.fault("xid", gpu=1, xid=79)
        whole.gpus.fault("worn", gpu=1, rows=2)
        until(lambda: (whole.prometheus.value(f"max({YOUNGEST})") or 0) >= READINGS, 2 * READINGS + SOON_S)
        until(lambda: "BreakerOpen" in whole.prometheus.alerts(), SOON_S)
        yield whole


def chosen(whole: Whole, board: Board) -> Iterator[dict[str, str]]:
    """What a reader may choose: all, then each value of each variable by itself."""
    options = {
        name: whole.prometheus.get(f"/api/v1/label/{label}/values", **{"match[]": metric})["data"]
        for name, (metric, label) in board.asked.items()
    }
    assert all(options.values()), options
    first = {
        each["name"]: each["current"]["value"].replace("$__all", ".*") for each in board.variables if "current" in each
    }
    yield first
    for name in first.keys() & options.keys():
        yield from (first | {name: _escaped(value)} for value in options[name])


def _escaped(value: str) -> str:
    """As Grafana puts it into a matcher's string."""
    return re.escape(value).replace("\\", "\\\\")


def test_every_job_of_the_stack_is_read(whole: Whole) -> None:
    config = yaml.safe_load((MONITORING / "prometheus/prometheus.yml").read_text())
    assert {job["job_name"] for job in config["scrape_configs"]} == {*whole.jobs, "prometheus"}


def wrong(each: Callable[[], None]) -> str:
    """What an assertion of it says, or nothing. The stack is one: a test for each query would start several."""
    try:
        each()
    except AssertionError as error:
        return str(error)
    return ""


def test_every_panel_shows_something_that_can_be(whole: Whole) -> None:
    choices = {board.uid: next(chosen(whole, board)) for board in BOARDS}
    found = {panel.name: wrong(partial(look, whole, panel, choices[panel.board])) for panel in PANELS}
    assert not any(found.values()), "\n".join(f"{name}: {why}" for name, why in found.items() if why)


def look(whole: Whole, panel: Panel, choice: dict[str, str]) -> None:
    queries = [(filled(expr, choice), unit) for expr, unit in panel.units()]
    for query, unit in queries:
        there(whole.prometheus, query)
        found = soon(lately, whole.prometheus, query)
        least, most = state_range(panel) or POSSIBLE[unit]
        assert least <= min(found) <= max(found) <= (math.inf if panel.name in LONG else most), query
    if panel.name not in STILL:
        until(lambda: any(any(lately(whole.prometheus, query)) for query, _ in queries), SOON_S)


def state_range(panel: Panel) -> tuple[float, float] | None:
    """Of a timeline's states: a value without a word would be a bare number."""
    if panel.json["type"] != "state-timeline":
        return None
    (mapping,) = panel.defaults["mappings"]
    states = sorted(map(float, mapping["options"]))
    assert states == list(range(int(states[0]), int(states[-1]) + 1))
    return states[0], states[-1]


def test_each_choice_can_be_asked_for_and_shows_something(whole: Whole) -> None:
    """A caller without a key has no tokens, and a model without replicas no latency; but none has nothing."""
    for board in BOARDS:
        for choice in chosen(whole, board):
            queries = [filled(expr, choice) for panel in board.panels for expr in panel.exprs]
            until(partial(enough, whole, queries), SOON_S)


def enough(whole: Whole, queries: list[str]) -> bool:
    return sum(bool(lately(whole.prometheus, query)) for query in queries) > len(queries) / 4


def test_what_marks_the_time_axis_is_there(whole: Whole) -> None:
    whole.edge.shares(blue=50, green=50)
    for mark in {mark for board in BOARDS for mark in board.marks}:
        soon(values, whole.prometheus, mark)


def test_every_rule_finds_what_it_reads_and_records_what_can_be(whole: Whole) -> None:
    found = {rule.name: wrong(partial(recorded, whole, rule)) for rule in RECORDINGS}
    found |= {f"{rule.name} {rule.severity}": wrong(partial(compared, whole, rule)) for rule in ALERTS}
    assert not any(found.values()), "\n".join(f"{name}: {why}" for name, why in found.items() if why)
    assert whole.prometheus.sick() == {}


def recorded(whole: Whole, rule: Rule) -> None:
    there(whole.prometheus, rule.expr)
    found = soon(lately, whole.prometheus, rule.name)
    of_one = ":ratio" in rule.name and not rule.name.startswith("plan:")
    most = WHOLE if of_one else 60 if "_seconds:p" in rule.name else 1e6
    assert 0 <= min(found) <= max(found) <= most


def compared(whole: Whole, rule: Rule) -> None:
    """What an alert compares is there, whether it fires or not."""
    there(whole.prometheus, rule.expr)
    in_text = re.findall(r'query "([^"]+)"', rule.annotations["summary"])
    for each in [*map(told, operands(rule.expr)), *in_text]:
        soon(values, whole.prometheus, each)


def test_versions_stand_side_by_side(whole: Whole) -> None:
    def versions() -> set[tuple[str, str]]:
        found = whole.prometheus.get("/api/v1/query", query="colour_version:penstock_requests:rate1m")["data"]["result"]
        return {(each["metric"]["colour"], each["metric"]["version"]) for each in found}

    until(lambda: versions() == {(colour, version) for colour, (version, _) in COLOURS.items()}, SOON_S)
