"""openai-python uses the gateway as it uses OpenAI, and real replicas answer."""

from typing import Literal

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam
from pydantic import BaseModel

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

MODEL = "words"
HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "hello world"}]
WEATHER: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "maxLength": 8}, "unit": {"enum": ["C", "F"]}},
            "required": ["city", "unit"],
            "additionalProperties": False,
        },
    },
}


class Weather(BaseModel):
    city: str
    unit: Literal["C", "F"]


class Ticket(BaseModel):
    category: Literal["billing", "technical"]
    tags: list[Literal["new", "old"]]
    reason: str


def test_models(client: openai.OpenAI) -> None:
    assert MODEL in [model.id for model in client.models.list()]
    assert client.models.retrieve(MODEL).id == MODEL
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nope")


def test_chat(client: openai.OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(model=MODEL, messages=HELLO, max_tokens=5, temperature=0)
    assert raw.headers["x-request-id"]
    assert raw.headers["x-penstock-target"]
    assert raw.headers["x-penstock-attempts"] == "1"
    reply = raw.parse()
    assert reply.choices[0].message.content
    assert reply.choices[0].finish_reason == "length"
    assert reply.model == MODEL
    assert reply.usage
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (10, 5)


def test_a_stream_says_what_the_whole_answer_says(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=40, temperature=0)
    for _ in range(2):  # on either replica
        with client.chat.completions.create(
            model=MODEL, messages=HELLO, max_tokens=40, temperature=0, stream=True
        ) as stream:
            chunks = list(stream)
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == whole.choices[0].message.content
        assert chunks[0].choices[0].delta.role == "assistant"
        assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices[0].finish_reason] == ["length"]
        assert not [chunk.usage for chunk in chunks if chunk.usage], "usage came without being asked for"


def test_a_stream_tells_its_usage_when_asked(client: openai.OpenAI) -> None:
    with client.chat.completions.create(
        model=MODEL, messages=HELLO, max_tokens=7, stream=True, stream_options={"include_usage": True}
    ) as stream:
        *_, last = stream
    assert last.choices == []
    assert last.usage
    assert last.usage.completion_tokens == 7


def test_logprobs_choices_stop_and_seed(client: openai.OpenAI) -> None:
    reply = client.chat.completions.create(
        model=MODEL, messages=HELLO, max_tokens=4, n=2, seed=7, logprobs=True, top_logprobs=2
    )
    assert [choice.index for choice in reply.choices] == [0, 1]
    for choice in reply.choices:
        assert choice.logprobs
        assert choice.logprobs.content
        assert [len(token.top_logprobs) for token in choice.logprobs.content] == [2] * 4
    again = client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=4, n=2, seed=7)
    assert [choice.message.content for choice in again.choices] == [choice.message.content for choice in reply.choices]
    text = reply.choices[0].message.content or ""
    stopped = client.chat.completions.create(
        model=MODEL, messages=HELLO, max_tokens=4, n=2, seed=7, stop=[text.split()[1]]
    )
    assert stopped.choices[0].finish_reason == "stop"
    assert (stopped.choices[0].message.content or "").split() == text.split()[:1]


def test_tools(client: openai.OpenAI) -> None:
    reply = client.chat.completions.create(
        model=MODEL, messages=HELLO, max_tokens=200, temperature=0, tools=[WEATHER], tool_choice="required"
    )
    assert reply.choices[0].finish_reason == "tool_calls"
    assert reply.choices[0].message.tool_calls
    for call in reply.choices[0].message.tool_calls:
        assert call.type == "function"
        assert call.function.name == "get_weather"
        Weather.model_validate_json(call.function.arguments)


def test_tools_streamed(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(
        model=MODEL, messages=HELLO, max_tokens=200, temperature=0, tools=[WEATHER], tool_choice="required"
    ) as stream:
        done = [event for event in stream if event.type == "tool_calls.function.arguments.done"]
    assert done
    Weather.model_validate_json(done[0].arguments)


def test_tools_left_to_the_model(client: openai.OpenAI) -> None:
    reply = client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=8, tools=[WEATHER])
    assert reply.choices[0].message.content or reply.choices[0].message.tool_calls


@pytest.mark.parametrize("temperature", [0, 1])
def test_structured_output(client: openai.OpenAI, temperature: float) -> None:
    reply = client.chat.completions.parse(
        model=MODEL, messages=HELLO, max_tokens=1000, temperature=temperature, response_format=Ticket
    )
    assert isinstance(reply.choices[0].message.parsed, Ticket)


def test_structured_output_streamed(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(
        model=MODEL, messages=HELLO, max_tokens=1000, temperature=0, response_format=Ticket
    ) as stream:
        reply = stream.get_final_completion()
    assert isinstance(reply.choices[0].message.parsed, Ticket)


def test_fields_that_only_vllm_knows(client: openai.OpenAI) -> None:
    reply = client.chat.completions.create(
        model=MODEL, messages=HELLO, extra_body={"structured_outputs": {"choice": ["yes", "no"]}}
    )
    assert reply.choices[0].message.content in ("yes", "no")


def test_completions(client: openai.OpenAI) -> None:
    whole = client.completions.create(model=MODEL, prompt="hello world", max_tokens=20, temperature=0)
    with client.completions.create(
        model=MODEL, prompt="hello world", max_tokens=20, temperature=0, stream=True
    ) as stream:
        assert "".join(chunk.choices[0].text for chunk in stream) == whole.choices[0].text
    several = client.completions.create(model=MODEL, prompt=["hello", "world"], max_tokens=2)
    assert [choice.index for choice in several.choices] == [0, 1]


def test_responses(client: openai.OpenAI) -> None:
    whole = client.responses.create(model=MODEL, input="hello world", max_output_tokens=20, temperature=0)
    assert whole.output_text
    with client.responses.create(
        model=MODEL, input="hello world", max_output_tokens=20, temperature=0, stream=True
    ) as stream:
        events = list(stream)
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == whole.output_text
    assert events[0].type == "response.created"
    assert events[-1].type == "response.completed"
