"""The whole chain with real parts: a replica dies, Prometheus finds out, Alertmanager tells, and takes it back."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.gateway import Gateway, one_model
from tests.monitoring.receiver import Receiver
from tests.monitoring.watchers import Alertmanager, Prometheus
from tests.servers import Simulator, free_port
from tests.talk import Client, until

BY = 0.05
"""What holds a minute in production holds three seconds here."""


@pytest.fixture
def ends() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.mark.slow
def test_a_dead_pool_is_told_once_and_taken_back(
    require: Callable[[str], str], ends: ExitStack, tmp_path: Path
) -> None:
    start, port = ends.enter_context, free_port()
    require("prometheus-alertmanager")
    for name in ("alertmanager", "prometheus"):
        (tmp_path / name).mkdir()
    replica = start(Simulator("--model", "tiny", port=port))
    cloud = start(Simulator("--role", "cloud", "--model", "gpt-4o-mini"))
    gateway = start(Gateway(tmp_path, one_model([replica.url], cloud=cloud.url), env={"CLOUD_KEY": "sk-cloud"}))
    receiver = start(Receiver())
    alertmanager = start(Alertmanager(tmp_path / "alertmanager", receiver.url, BY))
    jobs = {"api": [gateway.url.removeprefix("http://")], "vllm": [f"127.0.0.1:{port}"]}
    prometheus = start(Prometheus(require("prometheus"), tmp_path / "prometheus", jobs, alertmanager.address, by=BY))
    client = start(Client(gateway.url))
    until(lambda: client.chat().status_code == 200 and prometheus.value("model:penstock_target_up:sum") == 1, 30)
    assert prometheus.alerts() == {}

    replica.kill()
    until(lambda: prometheus.alerts().get("ReplicaDown") == "pending", 30)
    until(lambda: prometheus.alerts().get("ReplicaDown") == "firing", 30)
    until(receiver.pages, 30)
    (page,) = receiver.pages()[0]["alerts"]
    assert page["labels"] == {"alertname": "ModelDown", "model": "tiny", "severity": "page"}
    assert page["annotations"]["summary"] == "tiny: all 1 replicas are down"
    assert page["annotations"]["runbook"] == "docs/runbook/ModelDown.md"
    assert client.chat().status_code == 200  # the cloud

    start(Simulator("--model", "tiny", port=port))
    until(lambda: receiver.paged("resolved") == {"ModelDown"}, 30)
    assert not any("ReplicaDown" in said for said in receiver.slack()), "an echo of the dead pool was heard"
    until(lambda: "ReplicaDown" not in prometheus.alerts(), 30)
    assert prometheus.sick() == {}
