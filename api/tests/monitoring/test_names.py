"""Every metric that a rule reads is exposed by the program that it is of: no alert waits for what nobody tells."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.edge.edge import Edge
from tests.gateway import Gateway, one_model
from tests.monitoring.dashboards import BOARDS
from tests.monitoring.promql import selectors
from tests.monitoring.receiver import Receiver
from tests.monitoring.rules import EVERY, RECORDINGS, metrics
from tests.monitoring.watchers import Alertmanager
from tests.pages import ROOT
from tests.servers import Simulator
from tests.talk import Client

CAPTURES = ROOT / "vllm/simulator/captures"
FOREIGN = {
    "up": "Prometheus itself, of each target",
    "node_vmstat_oom_kill": "node_exporter, collector vmstat, on by default",
    "DCGM_FI_DEV_GPU_UTIL": "dcgm-exporter, etc/default-counters.csv",
    "DCGM_FI_DEV_FB_FREE": "dcgm-exporter, etc/default-counters.csv",
    "DCGM_FI_DEV_FB_USED": "dcgm-exporter, etc/default-counters.csv",
    "DCGM_FI_DEV_ROW_REMAP_FAILURE": "dcgm-exporter, etc/default-counters.csv",
    "DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS": "dcgm-exporter, etc/default-counters.csv",
    "DCGM_FI_DEV_XID_ERRORS": "dcgm-exporter, etc/default-counters.csv",
}
"""What programs expose that no test starts, and where that is said."""
READ = {name for rule in EVERY for name in metrics(rule.expr)} - {rule.name for rule in RECORDINGS}


def names(exposition: str) -> set[str]:
    return {sample.name for family in text_string_to_metric_families(exposition) for sample in family.samples}


@pytest.fixture(scope="module")
def exposed(require: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[set[str]]:
    """Of a gateway whose replica and whose cloud have answered, and of an edge, a replica and an Alertmanager."""
    require("nginx-lua")
    require("prometheus-alertmanager")
    folder = tmp_path_factory.mktemp
    with ExitStack() as ends:
        start = ends.enter_context
        replica, cloud = start(Simulator()), start(Simulator("--role", "cloud", "--model", "gpt-4o-mini"))
        settings = one_model([replica.url], cloud=cloud.url, fallback_budget={"usd_per_day": 1})
        gateway = start(Gateway(folder("gateway"), settings, env={"CLOUD_KEY": "sk-cloud"}))
        edge = start(Edge(folder("edge"), {"blue": [gateway.url.removeprefix("http://")]}))
        alertmanager = start(Alertmanager(folder("alertmanager"), start(Receiver()).url, by=1))
        client = start(Client(gateway.url))
        assert client.chat(stream=True).status_code == 200
        replica.fault("status", status=500)
        assert client.chat().status_code == 200
        told = [httpx.get(f"{url}/metrics", trust_env=False).text for url in (gateway.url, replica.url, edge.metrics)]
        yield set[str]().union(*map(names, [*told, alertmanager.text("/metrics")]))


def test_every_metric_in_a_rule_is_exposed(exposed: set[str]) -> None:
    assert READ - exposed == set(FOREIGN)


def test_vllm_s_are_those_of_a_real_vllm() -> None:
    real = "\n".join(file.read_text() for file in CAPTURES.rglob("*metrics*.txt"))
    shown = {re.sub(r"\{.*", "", each) for board in BOARDS for expr in board.exprs() for each in selectors(expr)}
    wanted = {name for name in READ | shown if name.startswith("vllm:")}
    assert wanted
    assert {name for name in wanted if not re.search(rf"^{name}\{{", real, re.MULTILINE)} == set()


def test_recordings_are_read_by_their_names() -> None:
    recorded = {rule.name for rule in RECORDINGS}
    read = {name for rule in EVERY for name in metrics(rule.expr) if ":" in name and not name.startswith("vllm:")}
    in_text = {
        name for rule in EVERY for text in rule.annotations.values() for name in re.findall(r"\b[a-z_]+:\w+:\w+", text)
    }
    assert read | in_text <= recorded
