"""A gateway and targets that speak TLS: known ones are asked, others hear nothing, and bad files end the start."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from tests.certificates import Authority
from tests.gateway import Gateway
from tests.talk import Client, code_of
from tests.wire import Peer, Wire, sized

CHOICE = {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
ANSWER = orjson.dumps({"id": "1", "object": "chat.completion", "created": 1, "model": "tiny", "choices": [CHOICE]})
KEY = "sk-tls-key-1"


class Replica:
    """Answers every request with a chat, and keeps what it was sent."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []

    async def script(self, peer: Peer) -> None:
        while True:
            head = await peer.head()
            self.heard.append(head)
            if head.startswith(b"POST"):
                await peer._reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r\n")[0]))
            await peer.send(sized(ANSWER))


@pytest.fixture
def authority(require: Callable[[str], str], tmp_path: Path) -> Authority:
    return Authority(require("openssl"), tmp_path)


@pytest.fixture
def replica() -> Replica:
    return Replica()


def settings(url: str, **tls: str) -> dict[str, Any]:
    replica = {"url": url, "id": "gpu-1", "api_key_env": "VLLM_KEY", "tls": tls}
    return {"models": [{"name": "tiny", "replicas": [replica]}]}


async def asked(folder: Path, told: dict[str, Any]) -> tuple[int, str]:
    """The status of a chat, and the error's code if there is one."""

    def ask() -> tuple[int, str]:
        with Gateway(folder, told, env={"VLLM_KEY": KEY, "CLOUD_KEY": KEY}) as gateway, Client(gateway.url) as client:
            answer = client.chat()
            return answer.status_code, "" if answer.is_success else code_of(answer)

    return await asyncio.to_thread(ask)


async def test_a_replica_that_asks_for_a_certificate(replica: Replica, authority: Authority, tmp_path: Path) -> None:
    certificate, key = map(str, authority.sign("penstock"))
    async with Wire(replica.script, authority.server(*authority.sign("replica"), mutual=True)) as wire:
        url = f"https://127.0.0.1:{wire.origin.port}"
        told = settings(url, ca=str(authority.certificate), certificate=certificate, key=key)
        assert await asked(tmp_path, told) == (200, "")
        assert any(head.startswith(b"GET /health") for head in replica.heard), "the watcher shows it too"
        replica.heard.clear()
        assert await asked(tmp_path, settings(url, ca=str(authority.certificate))) == (502, "upstream_unreachable")
        assert replica.heard == []


async def test_a_cloud_that_nobody_vouches_for_hears_nothing(
    replica: Replica, authority: Authority, tmp_path: Path
) -> None:
    async with Wire(replica.script, authority.server(*authority.sign("cloud"))) as wire:
        cloud = {"base_url": f"https://127.0.0.1:{wire.origin.port}/v1", "api_key_env": "CLOUD_KEY"}
        model = {"name": "tiny", "fallback": [{"cloud": "cloud", "model": "gpt"}]}
        told: dict[str, Any] = {"models": [model], "clouds": {"cloud": cloud}}
        assert await asked(tmp_path, told) == (502, "upstream_unreachable")
        assert replica.heard == []
        cloud["tls"] = {"ca": str(authority.certificate)}  # type: ignore[assignment]
        assert await asked(tmp_path, told) == (200, "")
        assert any(KEY.encode() in head for head in replica.heard)


@pytest.mark.parametrize(
    ("url", "tls", "says"),
    [
        ("http://gpu-1:8000", {"ca": "CA"}, "does not begin with https://"),
        ("https://gpu-1", {"ca": "/nowhere.pem"}, "No such file"),
        ("https://gpu-1", {"certificate": "CA"}, "belong together"),
        ("https://gpu-1", {"ca": "CA", "certificate": "CA", "key": "CA"}, "cannot be used"),
        ("https://gpu-1", {"certificate": "CA", "key": "LOCKED"}, "cannot be used"),
    ],
)
def test_files_that_cannot_be_used_end_the_start(
    authority: Authority, require: Callable[[str], str], tmp_path: Path, url: str, tls: dict[str, str], says: str
) -> None:
    locked = tmp_path / "locked.key"
    words = ["pkey", "-in", str(authority.key), "-aes256", "-passout", "pass:canary", "-out", str(locked)]
    subprocess.run([require("openssl"), *words], check=True, capture_output=True)
    paths = {"CA": str(authority.certificate), "LOCKED": str(locked)}
    config = tmp_path / "penstock.yaml"
    config.write_text(yaml.safe_dump(settings(url, **{name: paths.get(path, path) for name, path in tls.items()})))
    command = [sys.executable, "-m", "penstock.cli", "serve", "--config", str(config), "--port", "0"]
    quiet: dict[str, Any] = {"stdin": subprocess.DEVNULL, "capture_output": True, "timeout": 60, "check": False}
    ended = subprocess.run(command, text=True, env={**os.environ, "VLLM_KEY": KEY}, **quiet)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert says in ended.stderr
    assert "Traceback" not in ended.stderr
