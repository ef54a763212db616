"""The simulator as a cloud: OpenAI's own client finds in it what OpenAI's documentation promises."""

from collections.abc import Iterator

import httpx
import openai
import pytest
from tests.servers import Simulator

KEY, MODEL = "sk-cloud", "gpt-4o-mini"


@pytest.fixture(scope="module")
def cloud() -> Iterator[Simulator]:
    flags = ("--role", "cloud", "--model", MODEL, "--api-key", KEY, "--speed", "inf", "--max-model-len", "512")
    with Simulator(*flags) as simulator:
        yield simulator


@pytest.fixture
def client(cloud: Simulator) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{cloud.url}/v1", api_key=KEY, max_retries=0) as one:
        yield one
    cloud.clear()


def ask(client: openai.OpenAI, text: str = "hello", model: str = MODEL, **extra: object) -> str:
    answer = client.chat.completions.create(model=model, messages=[{"role": "user", "content": text}], extra_body=extra)
    return answer.choices[0].message.content or ""


def test_it_answers_with_a_dated_model_and_none_of_vllms_fields(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "hello"}])
    assert answer.model == f"{MODEL}-2024-07-18"
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    told = answer.model_dump(exclude_unset=True)
    assert not {"kv_transfer_params", "prompt_token_ids", "metrics"} & set(told)
    assert not {"stop_reason", "token_ids"} & set(told["choices"][0])


def test_usage_is_null_in_all_chunks_but_the_last(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": "hello"}],
        stream=True,
        stream_options={"include_usage": True},
    )
    *chunks, last = list(stream)
    assert all(chunk.usage is None and "usage" in chunk.model_fields_set for chunk in chunks)
    assert last.choices == []
    assert last.usage is not None
    assert last.usage.completion_tokens > 0
    assert [chunk.choices[0].finish_reason for chunk in chunks][-2:] == [None, "stop"]
    assert chunks[-1].choices[0].delta.content is None


def test_a_parameter_that_it_does_not_know_is_refused(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as error:
        ask(client, min_p=0.1)
    assert (error.value.code, error.value.param) == ("unknown_parameter", "min_p")


def test_a_wrong_key_is_refused(cloud: Simulator) -> None:
    with (
        openai.OpenAI(base_url=f"{cloud.url}/v1", api_key="sk-wrong", max_retries=0) as client,
        pytest.raises(openai.AuthenticationError) as error,
    ):
        ask(client)
    assert error.value.code == "invalid_api_key"


def test_an_unknown_model_is_not_found(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as error:
        ask(client, model="gpt-9")
    assert (error.value.code, error.value.type) == ("model_not_found", "invalid_request_error")


def test_a_prompt_too_long_has_its_code(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as error:
        ask(client, "a " * 600)
    assert (error.value.code, error.value.param) == ("context_length_exceeded", "messages")


def test_a_rate_limit_has_its_type(cloud: Simulator, client: openai.OpenAI) -> None:
    cloud.fault("status", status=429, retry_after=3)
    with pytest.raises(openai.RateLimitError) as error:
        ask(client)
    assert (error.value.type, error.value.code) == ("requests", "rate_limit_exceeded")
    assert error.value.response.headers["retry-after"] == "3"


def test_its_models_can_be_listed_and_read(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == [MODEL]
    assert client.models.retrieve(MODEL).owned_by == "system"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-9")


def test_responses_and_embeddings_are_served(client: openai.OpenAI) -> None:
    assert client.responses.create(model=MODEL, input="hello").output_text
    assert len(client.embeddings.create(model=MODEL, input="hello").data[0].embedding) == 64


def test_it_has_none_of_vllms_routes(cloud: Simulator) -> None:
    for path in ("/health", "/metrics", "/version"):
        assert httpx.get(cloud.url + path).json()["error"]["message"] == f"Invalid URL (GET {path})"
