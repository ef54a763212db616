"""The real OpenAI answers through the gateway: alone, as a stream, and when the pool cannot. Needs OPENAI_API_KEY."""

import os
from collections.abc import Iterator

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

from tests.gateway import Gateway
from tests.servers import free_port

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(120)]

MODEL = "gpt-4o-mini"
HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Say hello."}]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[openai.OpenAI]:
    if not os.environ.get("OPENAI_API_KEY"):
        pytest.skip("there is no OPENAI_API_KEY")
    cloud = {
        "base_url": os.environ.get("OPENAI_BASE_URL") or "https://api.openai.com/v1",
        "api_key_env": "OPENAI_API_KEY",
    }
    nobody = {"url": f"http://127.0.0.1:{free_port()}", "id": "nobody"}
    fallback = [{"cloud": "openai", "model": MODEL}]
    settings = {
        "models": [{"name": MODEL, "replicas": [nobody], "fallback": fallback}],
        "clouds": {"openai": cloud},
    }
    with (
        Gateway(tmp_path_factory.mktemp("cloud"), settings) as gateway,
        openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="none", max_retries=0, timeout=60) as client,
    ):
        yield client


def test_it_answers_for_a_pool_that_is_down(client: openai.OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(model=MODEL, messages=HELLO, max_tokens=5)
    assert raw.headers["x-penstock-target"] == "openai"
    reply = raw.parse()
    assert reply.choices[0].message.content
    assert reply.usage
    assert reply.usage.completion_tokens <= 5


def test_it_streams(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model=MODEL, messages=HELLO, max_tokens=16, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert chunks[-1].usage
