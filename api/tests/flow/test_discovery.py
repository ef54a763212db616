"""The start that needs no file: replicas' URLs, and the models that they tell of."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.gateway import Gateway
from tests.servers import Simulator, free_port
from tests.talk import Client, code_of, until

QUICK = {"watch": {"interval_s": 0.1}}


@contextmanager
def discovering(folder: Path, *urls: str, **env: str) -> Iterator[tuple[Gateway, Client]]:
    told = {"PENSTOCK_REPLICAS": ", ".join(urls), **env}
    with Gateway(folder, QUICK, env=told) as gateway, Client(gateway.url) as client:
        yield gateway, client


def models(client: Client) -> list[str]:
    return [card["id"] for card in client.http.get("/v1/models").json()["data"]]


def test_models_are_found_before_the_first_request(tmp_path: Path) -> None:
    with (
        Simulator("--speed", "100", "--model", "org/one", "--model", "adapter") as one,
        Simulator("--speed", "100", "--model", "org/one") as two,
        discovering(tmp_path, one.url, two.url) as (_, client),
    ):
        assert client.http.get("/health/ready").status_code == 200
        assert models(client) == ["org/one", "adapter"]
        answers = [client.chat("org/one") for _ in range(6)]
        assert {answer.headers["x-penstock-target"] for answer in answers} == {
            f"127.0.0.1:{one.port}",
            f"127.0.0.1:{two.port}",
        }
        assert client.chat("adapter").headers["x-penstock-target"] == f"127.0.0.1:{one.port}"


def test_a_name_that_no_header_can_hold_is_passed_over(tmp_path: Path) -> None:
    with Simulator("--model", "org/one", "--model", "a\nb") as one, discovering(tmp_path, one.url) as (gateway, client):
        assert models(client) == ["org/one"]
        assert not gateway.stray


def test_a_model_appears_when_its_replica_does(tmp_path: Path) -> None:
    port = free_port()
    with discovering(tmp_path, f"http://127.0.0.1:{port}") as (gateway, client):
        assert client.http.get("/health/ready").status_code == 503
        assert client.http.get("/health/live").status_code == 200
        assert models(client) == []
        answer = client.chat()
        assert (answer.status_code, code_of(answer)) == (404, "model_not_found")
        with Simulator("--speed", "100", port=port) as late:
            until(lambda: models(client) == ["tiny"])
            assert client.http.get("/health/ready").status_code == 200
            assert client.chat().status_code == 200
            late.kill()
            gateway.wait_for(lambda line: line["event"] == "target moved" and not line["up"])
            assert models(client) == ["tiny"]  # it was told, and does not flap
            assert client.chat().status_code in (502, 503)
        assert not gateway.stray


def test_a_key_for_openai_is_a_fallback(tmp_path: Path) -> None:
    with (
        Simulator("--speed", "100") as replica,
        Simulator("--role", "cloud", "--model", "gpt-4o-mini", "--api-key", "sk-x", "--speed", "100") as cloud,
        discovering(tmp_path, replica.url, OPENAI_API_KEY="sk-x", OPENAI_BASE_URL=f"{cloud.url}/v1") as (_, client),
    ):
        assert client.chat().headers["x-penstock-target"] == f"127.0.0.1:{replica.port}"
        replica.fault("status", status=500)
        answer = client.chat()
        assert (answer.status_code, answer.headers["x-penstock-target"]) == (200, "openai")


def test_a_replica_that_is_back_is_asked_again(tmp_path: Path) -> None:
    """Its breaker does not wait for its time: the watcher sees that it is well."""
    settings = {**QUICK, "breaker": {"fail_max": 1, "reset_s": 3600, "reset_max_s": 3600}}
    with (
        Simulator("--speed", "100") as replica,
        Gateway(tmp_path, settings, env={"PENSTOCK_REPLICAS": replica.url}) as gateway,
        Client(gateway.url) as client,
    ):
        replica.fault("refuse")
        gateway.wait_for(lambda line: line["event"] == "target moved" and not line["up"])
        until(lambda: client.chat().status_code == 503)
        replica.clear()
        until(lambda: client.chat().status_code == 200)
        assert client.samples()[f'penstock_target_up{{target="127.0.0.1:{replica.port}"}}'] == 1


def test_boundarys_key_is_refused_at_the_start(tmp_path: Path) -> None:
    """With it, BAML would upload every prompt."""
    command = [sys.executable, "-m", "penstock.cli", "serve", "--port", "0"]
    ended = subprocess.run(
        command,
        env={**os.environ, "BOUNDARY_API_KEY": "x"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2
    assert "BOUNDARY_API_KEY" in ended.stderr
