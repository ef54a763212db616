"""`penstock smoke-test`, and the script that calls it: what it finds well, and what it does not let pass."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.gateway import Gateway, Line, one_model
from tests.operations.verb import PYTHONPATH
from tests.pages import ROOT, page
from tests.servers import Simulator
from tests.way_in import WayIn

KEYS: Line = {"api_keys": ["shop=sk-shop"], "operator_keys": ["ada=sk-ada"]}


@pytest.fixture(scope="module")
def replica() -> Iterator[Simulator]:
    with Simulator("--speed", "20") as one:
        yield one


@pytest.fixture(scope="module")
def cloud() -> Iterator[Simulator]:
    with Simulator("--speed", "20", "--role", "cloud", "--model", "gpt-4o-mini") as one:
        yield one


@pytest.fixture(scope="module")
def open_one(replica: Simulator, cloud: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    settings = one_model([replica.url], cloud=cloud.url)
    with Gateway(tmp_path_factory.mktemp("open"), settings, env={"CLOUD_KEY": "sk-cloud"}) as one:
        yield one


@pytest.fixture(scope="module")
def shut_one(replica: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with Gateway(tmp_path_factory.mktemp("shut"), one_model([replica.url], **KEYS)) as one:
        yield one


def smoke(url: str, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")}
    return subprocess.run(
        [str(ROOT / "scripts/smoke_test"), "--url", url, *words],
        env={**plain, "PENSTOCK_PYTHON": sys.executable, "PYTHONPATH": PYTHONPATH, **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_gateway_that_is_well(open_one: Gateway) -> None:
    done = smoke(open_one.url)
    assert done.returncode == 0, done.stderr
    found = dict(line.split(maxsplit=1)[1].split(": ", 1) for line in done.stdout.splitlines())
    assert list(found) == ["ready", "keys", "models", "stream", "typed function", "metrics", "fallback"]
    assert found["models"] == "tiny"
    assert found["fallback"] == "cloud"


def test_keys_are_asked_for_where_there_are_any(shut_one: Gateway) -> None:
    for env in ({"PENSTOCK_KEY": "sk-shop"}, {"PENSTOCK_CONFIG": str(shut_one.config)}):
        done = smoke(shut_one.url, **env)
        assert done.returncode == 0, done.stderr
        assert "ok    keys: a wrong key is refused" in done.stdout
    without = smoke(shut_one.url)
    assert without.returncode == 1
    assert "FAIL  keys: this gateway asks for keys" in without.stderr


def test_a_client_s_key_sees_no_targets(shut_one: Gateway) -> None:
    assert "skip  fallback: not to be seen from here" in smoke(shut_one.url, "--key", "sk-shop").stdout


def test_a_stream_that_does_not_end_well_fails(open_one: Gateway, replica: Simulator) -> None:
    replica.fault("cut", after_events=3)
    try:
        done = smoke(open_one.url)
    finally:
        replica.clear()
    assert done.returncode == 1
    assert "FAIL  stream" in done.stderr


def test_a_function_that_answers_in_no_shape_fails(open_one: Gateway, replica: Simulator) -> None:
    replica.fault("babble")
    try:
        done = smoke(open_one.url)
    finally:
        replica.clear()
    assert done.returncode == 1
    assert "FAIL  typed function" in done.stderr


def test_a_cloud_that_cannot_be_used_fails(replica: Simulator, cloud: Simulator, tmp_path: Path) -> None:
    settings = one_model([replica.url], cloud=cloud.url, breaker={"fail_max": 1})
    with Gateway(tmp_path, settings, env={"CLOUD_KEY": "sk-cloud"}) as gateway:
        for each in (replica, cloud):
            each.fault("status", status=500, count=9)
        smoke(gateway.url)
        for each in (replica, cloud):
            each.clear()
        done = smoke(gateway.url)
    assert done.returncode == 1
    assert "FAIL  fallback: cloud cannot be used" in done.stderr


def test_one_that_is_away_fails(open_one: Gateway) -> None:
    done = smoke("http://127.0.0.1:9")
    assert done.returncode == 1
    assert done.stderr.count("FAIL") == 7


def test_a_dry_run_sends_nothing(open_one: Gateway) -> None:
    done = smoke("http://127.0.0.1:9", "--dry-run")
    assert done.returncode == 0
    assert "typed function" in done.stdout


def aws() -> list[str]:
    rule = page("infrastructure/terraform/modules/balancer/rules.tf").split('"shares"')[1]
    return re.findall(r'"(/[^"]*)"', re.findall(r"path_pattern { values = \[(.*)\]", rule)[0])


def kubernetes() -> list[str]:
    (rule,) = yaml.safe_load(page("infrastructure/kubernetes/components/routes/route.yaml"))["spec"]["rules"]
    paths = [match["path"] for match in rule["matches"]]
    return [each["value"] + ("/*" if each["type"] == "PathPrefix" else "") for each in paths]


@pytest.mark.parametrize("patterns", [aws(), kubernetes()], ids=["aws", "kubernetes"])
def test_one_that_is_well_from_outside(shut_one: Gateway, patterns: list[str]) -> None:
    with WayIn(shut_one.url, patterns) as way_in:
        done = smoke(way_in.url, PENSTOCK_KEY="sk-shop")
    assert done.returncode == 0, done.stderr
    assert "skip  metrics: not to be reached from here" in done.stdout
    assert "skip  fallback: not to be seen from here" in done.stdout
