"""Where logs and traces are shipped in compose: each file over the stack, and what its parts know of each other.

No registry is at hand, so none of these servers is run here: compose reads the files, and the names in them must agree.
"""

import json
import os
import re
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from tests.docker import can_compose
from tests.pages import ROOT

OVERLAYS = ROOT / "infrastructure/compose"
OBSERVE = OVERLAYS / "observe"
SOURCES = ROOT / "monitoring/grafana/provisioning/datasources"
Config = dict[str, Any]
Read = Callable[..., Config]
TALK = {"edge", "redis", "prometheus", "alertmanager", "grafana", "vllm-1", "vllm-2"} | {
    f"api-{colour}-{slot}" for colour in ("blue", "green") for slot in (1, 2, 3)
}
"""Those whose logs are worth keeping: an exporter has nothing to say."""


@pytest.fixture(scope="module")
def read(require: Callable[[str], str]) -> Read:
    docker = require("docker")
    if not can_compose():
        pytest.skip("for want of docker compose")
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PENSTOCK_", "COMPOSE_"))}

    def config(*overlays: str, **more: str) -> Config:
        files = ["docker-compose.prod.yml", *(f"infrastructure/compose/{name}.yml" for name in overlays)]
        words = [word for file in files for word in ("--file", file)]
        command = [docker, "compose", *words, "--profile", "*", "config", "--format", "json"]
        done = subprocess.run(command, env={**env, **more}, cwd=ROOT, capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, "")
        return dict(json.loads(done.stdout))

    return config


@pytest.mark.parametrize(
    ("overlays", "more"),
    [
        (("traces-tempo",), {"tempo"}),
        (("logs-loki",), {"alloy", "loki"}),
        (("logs-cloudwatch",), set()),
        (("logs-loki", "traces-tempo"), {"alloy", "loki", "tempo"}),
        (("laptop", "traces-tempo", "logs-loki"), {"alloy", "loki", "tempo", "cloud"}),
    ],
)
def test_it_adds_to_the_stack_what_it_says_and_holds_it_in(
    read: Read, overlays: tuple[str, ...], more: set[str]
) -> None:
    plain, config = read(), read(*overlays)
    assert config["services"].keys() - plain["services"].keys() == more
    for name in more - {"cloud"}:
        service = config["services"][name]
        assert re.fullmatch(r"grafana/\w+:v?\d+\.\d+\.\d+", service["image"]), name
        assert {"cpus", "memory", "pids"} <= set(service["deploy"]["resources"]["limits"]), name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert (service["read_only"], service.get("ports"), service["restart"]) == (True, None, "unless-stopped"), name
        assert all(config["networks"][each].get("internal") for each in service["networks"]), name
    assert all("docker.sock" not in json.dumps(service) for service in config["services"].values())


def test_every_gateway_and_replica_sends_its_traces_to_tempo(read: Read) -> None:
    services = read("traces-tempo", PENSTOCK_TRACE_RATIO="0.5")["services"]
    takes = yaml.safe_load((OBSERVE / "tempo.yml").read_text())["distributor"]["receivers"]["otlp"]["protocols"]["http"]
    port = takes["endpoint"].rpartition(":")[2]
    for name, service in services.items():
        if name.startswith("api-"):
            assert service["environment"]["PENSTOCK_TRACES__ENDPOINT"] == f"http://tempo:{port}"
            assert service["environment"]["PENSTOCK_TRACES__RATIO"] == "0.5"
        if name.startswith("vllm-"):
            assert service["environment"]["SERVE_TRACES"] == f"http://tempo:{port}/v1/traces"
        if name.startswith(("api-", "vllm-")):
            assert set(service["networks"]) & set(services["tempo"]["networks"]), name


def test_every_log_is_shipped_and_says_whose_it_is(read: Read) -> None:
    loki, cloudwatch = (
        read("logs-loki")["services"],
        read("logs-cloudwatch", PENSTOCK_AWS_REGION="eu-west-1")["services"],
    )
    alloy = (OBSERVE / "logs.alloy").read_text()
    for name in TALK:
        logging = loki[name]["logging"]
        assert logging["driver"] == "json-file"
        assert logging["options"] == {"max-size": "10m", "max-file": "5", "labels": "com.docker.compose.service"}
        assert logging["options"]["labels"] in alloy
        logging = cloudwatch[name]["logging"]
        assert (logging["driver"], logging["options"]["awslogs-region"]) == ("awslogs", "eu-west-1")
        assert logging["options"]["mode"] == "non-blocking"
        assert "max-file" not in logging["options"]
    assert {name for name in cloudwatch if cloudwatch[name]["logging"]["driver"] == "awslogs"} == TALK


def test_grafana_and_alloy_ask_where_the_servers_listen(read: Read) -> None:
    services = read("logs-loki", "traces-tempo")["services"]
    for name in ("tempo", "loki"):
        port = yaml.safe_load((OBSERVE / f"{name}.yml").read_text())["server"]["http_listen_port"]
        (source,) = yaml.safe_load((SOURCES / f"{name}.yml").read_text())["datasources"]
        assert (source["uid"], source["type"], source["url"]) == (name, name, f"http://{name}:{port}")
        assert set(services[name]["networks"]) & set(services["grafana"]["networks"])
    assert f"http://loki:{port}/" in (OBSERVE / "logs.alloy").read_text()


def test_every_jump_between_sources_leads_to_one() -> None:
    told = "".join(path.read_text() for path in SOURCES.glob("*.yml"))
    known = set(re.findall(r"\buid: (\w+)", told))
    assert set(re.findall(r"datasourceUid: (\w+)", told)) == {"tempo", "loki"} <= known


def test_grafana_finds_the_trace_in_a_line_of_ours() -> None:
    (loki,) = yaml.safe_load((SOURCES / "loki.yml").read_text())["datasources"]
    (field,) = loki["jsonData"]["derivedFields"]
    line = '{"event":"request","trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"00f067aa0ba902b7"}'
    found = re.search(field["matcherRegex"], line)
    assert found
    assert found[1] == "0af7651916cd43dd8448eb211c80319c"


def test_prometheus_keeps_exemplars(read: Read) -> None:
    assert "--enable-feature=exemplar-storage" in read()["services"]["prometheus"]["command"]
