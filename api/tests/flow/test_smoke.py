"""The shortest way through: a client asks, a replica answers."""

from pathlib import Path

import httpx
from tests.gateway import Gateway, one_model
from tests.servers import Simulator


def test_a_chat_is_answered_by_a_replica(tmp_path: Path) -> None:
    with Simulator("--speed", "20") as replica, Gateway(tmp_path, one_model([replica.url])) as gateway:
        body = {"model": "tiny", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 4}
        answer = httpx.post(f"{gateway.url}/v1/chat/completions", json=body)
        assert answer.status_code == 200
        assert answer.json()["usage"]["completion_tokens"] == 4
        assert answer.headers["x-penstock-attempts"] == "1"
        assert gateway.wait_for(lambda line: line["event"] == "request")["outcome"] == "ok"
        assert not gateway.stray
