"""What the simulator's model says: the same everywhere, within its limits, in the shape that was asked for."""

from base64 import b64decode
from collections.abc import Iterator
from struct import unpack
from typing import Any

import httpx
import orjson
import pytest
from tests.servers import Simulator

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@pytest.fixture(scope="module")
def simulators() -> Iterator[list[Simulator]]:
    with Simulator("--speed", "inf") as first, Simulator("--speed", "inf", "--max-num-seqs", "3") as second:
        yield [first, second]


@pytest.fixture
def simulator(simulators: list[Simulator]) -> Simulator:
    return simulators[0]


def ask(simulator: Simulator, path: str, **body: Any) -> dict[str, Any]:
    answer = httpx.post(f"{simulator.url}/v1/{path}", json=body, timeout=10)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def chat(simulator: Simulator, text: str = "tell me of rivers", **fields: Any) -> dict[str, Any]:
    fields.setdefault("messages", [{"role": "user", "content": text}])
    return ask(simulator, "chat/completions", **fields)


def content(answer: dict[str, Any]) -> str:
    said = answer["choices"][0]["message"]["content"]
    assert isinstance(said, str)
    return said


def streamed(simulator: Simulator, **fields: Any) -> list[dict[str, Any]]:
    body = {"messages": [{"role": "user", "content": "tell me of rivers"}], **fields, "stream": True}
    text = httpx.post(f"{simulator.url}/v1/chat/completions", json=body, timeout=10).text
    blocks = [block.removeprefix("data: ") for block in text.strip().split("\n\n")]
    assert blocks.pop() == "[DONE]"
    return [orjson.loads(block) for block in blocks]


def test_greedy_answers_agree_between_replicas(simulators: list[Simulator]) -> None:
    first, second = (chat(one) for one in simulators)
    assert content(first) == content(second)
    assert content(first) != content(chat(simulators[0], "tell me of mountains"))


def test_a_seed_changes_the_answer_and_repeats_it(simulator: Simulator) -> None:
    assert content(chat(simulator, seed=5)) == content(chat(simulator, seed=5)) != content(chat(simulator))


def test_without_a_limit_an_answer_ends_by_itself(simulator: Simulator) -> None:
    answer = chat(simulator)
    assert 16 <= answer["usage"]["completion_tokens"] <= 64
    assert answer["choices"][0]["finish_reason"] == "stop"


def test_ignore_eos_says_as_much_as_it_may(simulator: Simulator) -> None:
    answer = chat(simulator, max_tokens=300, ignore_eos=True)
    assert (answer["usage"]["completion_tokens"], answer["choices"][0]["finish_reason"]) == (300, "length")


def test_a_prompt_and_its_answer_stay_within_the_context(simulator: Simulator) -> None:
    answer = chat(simulator, "a " * 4000, max_tokens=8000, ignore_eos=True)
    assert answer["usage"]["total_tokens"] == 8192


def test_a_stream_says_what_the_whole_answer_says(simulator: Simulator) -> None:
    events = streamed(simulator, stream_options={"include_usage": True})
    usage = events.pop()["usage"]
    whole = chat(simulator)
    assert "".join(event["choices"][0]["delta"]["content"] for event in events) == content(whole)
    assert usage["completion_tokens"] == whole["usage"]["completion_tokens"] == len(events) - 1


def test_a_stop_string_ends_the_answer_before_it(simulator: Simulator) -> None:
    whole = content(chat(simulator))
    stop = whole[10:13]
    answer = chat(simulator, stop=[stop, "no such thing"])
    assert content(answer) == whole[: whole.index(stop)]
    assert (answer["choices"][0]["finish_reason"], answer["choices"][0]["stop_reason"]) == ("stop", stop)


@pytest.mark.parametrize("cut", [1, 5, 11])
def test_an_answer_goes_on_elsewhere_from_its_token_ids(simulators: list[Simulator], cut: int) -> None:
    whole = chat(simulators[0], return_token_ids=True)
    prompt, said = whole["prompt_token_ids"], whole["choices"][0]["token_ids"]
    rest = ask(simulators[1], "completions", prompt=prompt + said[:cut], return_token_ids=True, max_tokens=99)
    assert said[:cut] + rest["choices"][0]["token_ids"] == said
    assert rest["choices"][0]["finish_reason"] == "stop"


def test_an_answer_goes_on_elsewhere_from_its_text(simulators: list[Simulator]) -> None:
    whole = content(chat(simulators[0]))
    messages = [
        {"role": "user", "content": "tell me of rivers"},
        {"role": "assistant", "content": whole[:20]},
    ]
    rest = chat(simulators[1], messages=messages, continue_final_message=True, add_generation_prompt=False)
    # a cut within a word is another text from there on: only the length of what is left is sure
    assert rest["choices"][0]["finish_reason"] == "stop"
    words = whole.split(" ")
    messages[1]["content"] = " ".join(words[:6])
    rest = chat(simulators[1], messages=messages, continue_final_message=True, add_generation_prompt=False)
    assert messages[1]["content"] + content(rest) == whole


def test_a_second_ask_finds_its_prefix_in_the_cache() -> None:
    with Simulator("--enable-prompt-tokens-details", "--speed", "inf") as simulator:
        first, second = (chat(simulator, "hello world " * 50)["usage"] for _ in range(2))
    cached = [usage["prompt_tokens_details"]["cached_tokens"] for usage in (first, second)]
    assert cached == [0, first["prompt_tokens"] // 16 * 16]


def test_text_survives_the_tokenizer(simulator: Simulator) -> None:
    text = 'naïve assistant 日本 {"a": [1, 2.5]}\n\t<|im_start|>user says extraordinarily much 🚀'
    tokens = httpx.post(f"{simulator.url}/tokenize", json={"prompt": text}).json()
    assert tokens["count"] == len(tokens["tokens"])
    again = httpx.post(f"{simulator.url}/detokenize", json={"tokens": tokens["tokens"]}).json()
    assert again == {"prompt": text}


def test_a_tool_is_called_when_the_user_speaks_of_it(simulator: Simulator) -> None:
    answer = chat(simulator, "what is the weather in Rome?", tools=[WEATHER])
    call = answer["choices"][0]["message"]["tool_calls"][0]["function"]
    assert (call["name"], answer["choices"][0]["finish_reason"]) == ("get_weather", "tool_calls")
    assert isinstance(orjson.loads(call["arguments"])["city"], str)


def test_after_the_tools_result_the_model_speaks(simulator: Simulator) -> None:
    messages = [
        {"role": "user", "content": "what is the weather in Rome?"},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "type": "function"}]},
        {"role": "tool", "tool_call_id": "1", "content": "sunny"},
    ]
    assert content(chat(simulator, messages=messages, tools=[WEATHER]))


def test_tool_deltas_add_up_to_the_call(simulator: Simulator) -> None:
    choice: dict[str, Any] = {"tools": [WEATHER], "tool_choice": "required"}
    whole = chat(simulator, **choice)["choices"][0]["message"]["tool_calls"][0]["function"]
    deltas = [event["choices"][0]["delta"] for event in streamed(simulator, **choice)]
    calls = [delta["tool_calls"][0]["function"] for delta in deltas if "tool_calls" in delta]
    assert calls[0] == {"name": "get_weather"}
    assert "".join(call.get("arguments", "") for call in calls) == whole["arguments"]


@pytest.mark.parametrize(
    "constraint",
    [
        {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"const": "red"}}}},
        {"structured_outputs": {"json": {"const": "red"}}},
        {"structured_outputs": {"choice": ['"red"']}},
        {"structured_outputs": {"regex": '"r[e]d"'}},
    ],
)
def test_guided_answers_obey_their_grammar(simulator: Simulator, constraint: dict[str, Any]) -> None:
    answer = chat(simulator, **constraint)
    assert (content(answer), answer["choices"][0]["finish_reason"]) == ('"red"', "stop")


def test_responses_end_with_the_whole_response(simulator: Simulator) -> None:
    body = {"input": "tell me of rivers", "stream": True}
    text = httpx.post(f"{simulator.url}/v1/responses", json=body).text
    events = [orjson.loads(block.partition("data: ")[2]) for block in text.strip().split("\n\n")]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    said = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
    assert events[-1]["type"] == "response.completed"
    assert events[-1]["response"]["output"][0]["content"][0]["text"] == said == content(chat(simulator))


def test_embeddings_follow_from_the_text(simulator: Simulator) -> None:
    plain = ask(simulator, "embeddings", input=["a river", "a hill"], dimensions=8)
    packed = ask(simulator, "embeddings", input="a river", dimensions=8, encoding_format="base64")
    first, second = (one["embedding"] for one in plain["data"])
    assert first != second
    assert unpack("<8f", b64decode(packed["data"][0]["embedding"])) == pytest.approx(first)


def test_the_state_tells_what_reached_it() -> None:
    with Simulator("--speed", "inf") as simulator:
        body = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 2}
        httpx.post(f"{simulator.url}/v1/chat/completions", json=body, headers={"x-request-id": "abc"})
        httpx.get(f"{simulator.url}/health")
        state = simulator.state()
    assert state["requests"] == {"/v1/chat/completions": 1, "/health": 1}
    assert state["recent"] == [{"id": "abc", "path": "/v1/chat/completions"}]
    assert (state["last"]["body"], state["last"]["headers"]["x-request-id"]) == (body, "abc")
    assert (state["completed"], state["generation_tokens"]) == (2, 2)
