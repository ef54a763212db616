"""What real replicas refuse comes to openai-python as the exception that OpenAI would have caused."""

import json

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

MODEL = "words"
HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "hello world"}]
TOO_LONG = "!" * 2100  # a token each, for a context of 2048


@pytest.mark.parametrize("stream", [False, True])
def test_a_context_too_long_is_a_bad_request(client: openai.OpenAI, stream: bool) -> None:
    with pytest.raises(openai.BadRequestError, match="maximum context length is 2048") as caught:
        client.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": TOO_LONG}], max_tokens=2, stream=stream
        )
    assert caught.value.param == "input_tokens"
    with pytest.raises(openai.BadRequestError):
        client.completions.create(model=MODEL, prompt=TOO_LONG, max_tokens=2, stream=stream)
    with pytest.raises(openai.BadRequestError):
        client.responses.create(model=MODEL, input=TOO_LONG, max_output_tokens=2, stream=stream)


@pytest.mark.parametrize("stream", [False, True])
def test_an_unknown_model_is_not_found(client: openai.OpenAI, stream: bool) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="nope", messages=HELLO, stream=stream)
    assert caught.value.code == "model_not_found"


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": -1},
        {"temperature": "hot"},
        {"max_tokens": 0},
        {"top_p": 2},
        {"n": 0},
        {"messages": []},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "alien"}}}},
        {"tool_choice": "required"},
    ],
    ids=json.dumps,
)
def test_what_is_wrong_is_a_bad_request(client: openai.OpenAI, wrong: dict[str, object]) -> None:
    body = {"model": MODEL, "messages": HELLO, "max_tokens": 4, **wrong}
    with pytest.raises(openai.BadRequestError) as caught:
        client.post("/chat/completions", body=body, cast_to=object)
    assert caught.value.type == "invalid_request_error"
