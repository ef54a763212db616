"""The verbs on Kubernetes, as far as they can be tried without an API server: held to a stand-in of kubectl."""

import json
import os
import sys
from pathlib import Path

import pytest

from tests.operations import kubectl
from tests.operations.verb import Host


class Cluster(Host):
    def __init__(self, folder: Path) -> None:
        self.file = folder / "cluster.json"
        program = folder / "bin/kubectl"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec {sys.executable} {kubectl.__file__} "$@"\n')
        program.chmod(0o755)
        path = f"{program.parent}:{os.environ['PATH']}"
        settings = {"PENSTOCK_PLATFORM": "kubernetes", "PENSTOCK_IMAGE": "registry/penstock"}
        super().__init__(folder, folder / ".deploy", PATH=path, KUBECTL_STATE=str(self.file), **settings)

    def weights(self) -> dict[str, int]:
        refs = json.loads(self.file.read_text())["httproute/penstock"]["spec"]["rules"][0]["backendRefs"]
        return {ref["name"]: ref["weight"] for ref in refs}

    def runs(self, colour: str) -> tuple[str, int]:
        spec = json.loads(self.file.read_text())[f"deployment/penstock-{colour}"]["spec"]
        return spec["template"]["spec"]["containers"][0]["image"].rpartition(":")[2], spec["replicas"]


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    one = Cluster(tmp_path)
    monkeypatch.setattr(kubectl, "FILE", one.file)
    kubectl.begin()
    return one


def test_rolling_and_back(cluster: Cluster) -> None:
    assert cluster.run("deploy", "rolling", "--version", "2", "--watch", "0").code == 0
    assert cluster.runs("blue") == ("2", 3)
    assert cluster.run("rollback").code == 0
    assert cluster.runs("blue") == ("1", 3)


def test_blue_green_and_back(cluster: Cluster) -> None:
    done = cluster.run("deploy", "blue-green", "--version", "2", "--watch", "0")
    assert done.code == 0, done.text
    assert cluster.runs("green") == ("2", 3)
    assert cluster.weights() == {"penstock-blue": 0, "penstock-green": 100}
    back = cluster.run("rollback")
    assert back.code == 0
    assert cluster.weights() == {"penstock-blue": 100, "penstock-green": 0}
    assert cluster.runs("blue") == ("1", 3)


def test_one_that_never_becomes_ready_is_put_back(cluster: Cluster) -> None:
    for strategy in ("rolling", "blue-green"):
        assert cluster.run("deploy", strategy, "--version", "never", "--ready-limit", "1").code == 1
        assert cluster.runs("blue") == ("1", 3)
        assert cluster.runs("green")[1] == 0
        assert cluster.weights() == {"penstock-blue": 100, "penstock-green": 0}


def test_a_dry_run_shows_kubectl_s_commands(cluster: Cluster) -> None:
    before = cluster.file.read_text()
    shown = cluster.run("deploy", "blue-green", "--version", "2", "--dry-run")
    assert shown.code == 0
    assert "would run: kubectl --request-timeout=20s set image deployment/penstock-green" in shown.text
    assert cluster.file.read_text() == before


def test_an_image_that_nodes_cannot_pull_is_refused(cluster: Cluster) -> None:
    del cluster.environment["PENSTOCK_IMAGE"]
    assert cluster.run("status").code == 64


def test_readiness_asks_what_adds_pods_and_stops_no_colour(cluster: Cluster) -> None:
    asked = ("readiness", "--disruptive", "--only", "autoscaling", "--only", "balancer", "--json")

    def found() -> dict[str, tuple[str, str]]:
        return {each["name"]: (each["verdict"], each["seen"]) for each in json.loads(cluster.run(*asked).out)["checks"]}

    assert found()["autoscaling"] == ("fail", "nothing does")
    assert found()["balancer"][0] == "not applicable"
    spec = {"scaleTargetRef": {"name": "penstock-blue"}, "minReplicas": 3, "maxReplicas": 12}
    state = json.loads(cluster.file.read_text())
    cluster.file.write_text(json.dumps(state | {"hpa": {"items": [{"spec": spec}]}}))
    assert found()["autoscaling"] == ("pass", "penstock-blue: 3 to 12")
    assert cluster.runs("blue") == ("1", 3)
