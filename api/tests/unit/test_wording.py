"""A call in the words of its target: the same bytes wherever nothing has to change."""

from typing import Any

import orjson
import pytest
from penstock.upstream.openai_fields import KNOWN
from penstock.upstream.pool import Seat
from penstock.upstream.wording import GUIDED, worded
from tests.upstream import a_call, a_target

REPLICA = Seat(a_target(), "meta/llama")
CLOUD = Seat(a_target("openai", "cloud", url="https://api.openai.test/v1"), "gpt-4o-mini")
MESSAGES: list[Any] = [{"role": "user", "content": "hi"}]


def chat(**fields: Any) -> dict[str, Any]:
    return {"model": "meta/llama", "messages": MESSAGES, **fields}


def told(fields: dict[str, Any], seat: Seat, dialect: str = "chat") -> dict[str, Any]:
    body, _ = worded(a_call(fields, dialect), seat)
    read: dict[str, Any] = orjson.loads(body)
    return read


def test_what_suits_a_replica_already_goes_as_it_came() -> None:
    raw = b'{ "messages" : [{"role":"user","content":"\\u00e9"}],"model":"meta/llama", "top_k": 1.0 }'
    assert worded(a_call(raw), REPLICA) == (raw, ())


@pytest.mark.parametrize("seat", [REPLICA, CLOUD], ids=["replica", "cloud"])
def test_the_model_is_named_as_the_target_knows_it(seat: Seat) -> None:
    assert told(chat(model="support"), seat) == chat(model=seat.model)


@pytest.mark.parametrize("seat", [REPLICA, CLOUD], ids=["replica", "cloud"])
@pytest.mark.parametrize("dialect", ["chat", "completions"])
def test_usage_is_asked_of_every_stream(seat: Seat, dialect: str) -> None:
    prompt: dict[str, Any] = {"messages": MESSAGES} if dialect == "chat" else {"prompt": "hi"}
    asked = told({"model": "m", **prompt, "stream": True}, seat, dialect)
    assert asked == {"model": seat.model, **prompt, "stream": True, "stream_options": {"include_usage": True}}


@pytest.mark.parametrize("include", [False, None])
def test_other_stream_options_stay(include: bool | None) -> None:
    options = {"include_usage": include, "continuous_usage_stats": True}
    asked = told(chat(stream=True, stream_options=options), REPLICA)
    assert asked["stream_options"] == {"include_usage": True, "continuous_usage_stats": True}


def test_a_stream_whose_client_asked_itself_goes_as_it_came() -> None:
    call = a_call(b'{"stream_options": {"include_usage": true}, "stream": true, "model": "meta/llama", "messages": []}')
    assert worded(call, REPLICA) == (call.raw, ())


@pytest.mark.parametrize("dialect", ["responses", "embeddings"])
def test_usage_is_not_asked_where_it_comes_unasked(dialect: str) -> None:
    fields = {"model": "meta/llama", "input": "hi", "stream": dialect == "responses"}
    assert told(fields, REPLICA, dialect) == fields


def test_usage_is_not_asked_without_a_stream() -> None:
    assert told(chat(stream=False), REPLICA) == chat(stream=False)


@pytest.mark.parametrize(("name", "place"), sorted(GUIDED.items()))
def test_what_vllm_once_called_guided_goes_where_it_looks_now(name: str, place: str) -> None:
    assert told(chat(**{name: "x"}), REPLICA) == chat(structured_outputs={place: "x"})


def test_guided_members_join_the_structured_outputs_that_are_there() -> None:
    asked = told(chat(structured_outputs={"whitespace_pattern": " "}, guided_json={"type": "object"}), REPLICA)
    assert asked == chat(structured_outputs={"whitespace_pattern": " ", "json": {"type": "object"}})


def test_a_cloud_never_sees_what_it_would_refuse_and_the_client_is_told() -> None:
    call = a_call(chat(top_k=1, guided_json={}, seed=7, messages=[{"role": "user", "top_k": 2}]))
    body, left_out = worded(call, CLOUD)
    assert left_out == ("guided_json", "top_k")
    assert orjson.loads(body) == chat(model="gpt-4o-mini", seed=7, messages=[{"role": "user", "top_k": 2}])


@pytest.mark.parametrize("dialect", sorted(KNOWN))
def test_a_cloud_sees_everything_that_it_knows(dialect: str) -> None:
    fields = dict.fromkeys(KNOWN[dialect] - {"stream", "stream_options"}, 1) | {"model": "gpt-4o-mini"}
    body, left_out = worded(a_call(fields, dialect), CLOUD)
    assert (orjson.loads(body), left_out) == (fields, ())


def test_the_call_itself_is_never_changed() -> None:
    call = a_call(chat(model="support", stream=True, guided_json={}, top_k=1))
    raw, fields = call.raw, dict(call.fields)
    worded(call, CLOUD)
    worded(call, REPLICA)
    assert (call.raw, call.fields) == (raw, fields)
