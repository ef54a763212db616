"""The gate before vLLM, and the files of models. A real vLLM behind it: tests/real/test_serving.py."""

import asyncio
import re
from pathlib import Path

import httpx
import pytest
from tests.pages import ROOT
from vllm_serving.gate import WARM_UP_HEADER, Gate, Receive, Scope, Send

MODELS = sorted((ROOT / "vllm/models").glob("*.env"))


async def inside(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"inside"})


@pytest.fixture
def opening(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SERVE_OPEN", str(tmp_path / "open"))
    monkeypatch.setenv("SERVE_WARM_UP_KEY", "a-key")
    return tmp_path / "open"


def asked(method: str, path: str, **headers: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(Gate(inside)), base_url="http://replica") as client:
            return await client.request(method, path, headers=headers)

    return asyncio.run(ask())


def test_it_is_shut_until_it_is_opened_and_again_afterwards(opening: Path) -> None:
    assert asked("GET", "/health").status_code == 503
    opening.touch()
    assert asked("GET", "/health").text == "inside"
    opening.unlink()
    refused = asked("POST", "/v1/chat/completions")
    assert refused.status_code == 503
    assert set(refused.json()["error"]) == {"message", "type", "param", "code"}
    assert refused.headers["retry-after"] == "1"


@pytest.mark.usefixtures("opening")
def test_metrics_are_always_told() -> None:
    assert asked("GET", "/metrics").text == "inside"


@pytest.mark.usefixtures("opening")
@pytest.mark.parametrize(("key", "status"), [("a-key", 200), ("another", 503), ("", 503)])
def test_only_the_warm_up_passes(key: str, status: int) -> None:
    assert asked("POST", "/v1/completions", **{WARM_UP_HEADER: key}).status_code == status


@pytest.mark.parametrize("file", MODELS, ids=lambda path: path.stem)
def test_a_model_s_file_sets_what_serve_sh_knows(file: Path) -> None:
    known = set(re.findall(r"\bSERVE_\w+", (ROOT / "vllm/serve.sh").read_text()))
    lines = [line for line in file.read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"SERVE_\w+=\S+", line) for line in lines)
    names = {line.partition("=")[0] for line in lines}
    assert "SERVE_MODEL" in names
    assert names <= known
