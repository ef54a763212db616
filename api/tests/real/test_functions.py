"""Typed functions answer in shape, even where the weights are random: guided decoding holds the model to the schema."""

import json
import os
from collections.abc import Mapping

import httpx
import pytest
from penstock.functions.catalog import Function, load
from penstock.functions.environment import prepare_environment
from pydantic import TypeAdapter

from tests.gateway import Gateway

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

PASSAGES = [{"id": "returns-3", "text": "Shoes may be returned within 60 days."}]
THREAD = [{"author": "Ada", "text": "Can we move the release?"}, {"author": "Ben", "text": "Yes, to Friday."}]
CALLS: dict[str, dict[str, object]] = {
    "ClassifyTicket": {"text": "I was charged twice."},
    "ExtractInvoice": {"text": "Invoice 7, 2 x paper 4.50, total 9.00"},
    "SummarizeThread": {"messages": THREAD},
    "AnswerFromContext": {"question": "How long?", "passages": PASSAGES},
    "ScreenMessage": {"text": "Good morning, all."},
}


@pytest.fixture(scope="module")
def catalog() -> Mapping[str, Function]:
    prepare_environment(os.environ)
    return load()


def events(reply: httpx.Response) -> list[tuple[str, str]]:
    """The stream's events, as name and data."""
    blocks = [dict(line.split(": ", 1) for line in block.splitlines()) for block in reply.text.strip().split("\n\n")]
    return [(block["event"], block["data"]) for block in blocks]


def test_every_function_is_called_here(catalog: Mapping[str, Function]) -> None:
    assert set(CALLS) == set(catalog)


@pytest.mark.parametrize("name", CALLS)
def test_a_function_answers_in_shape(gateway: Gateway, catalog: Mapping[str, Function], name: str) -> None:
    reply = httpx.post(f"{gateway.url}/v1/functions/{name}", json=CALLS[name], timeout=60)
    assert reply.status_code == 200, reply.text
    assert reply.headers["x-penstock-target"]
    TypeAdapter(catalog[name].returns).validate_json(reply.content)


@pytest.mark.parametrize("name", CALLS)
def test_a_function_streams_to_the_same_answer(gateway: Gateway, catalog: Mapping[str, Function], name: str) -> None:
    whole = httpx.post(f"{gateway.url}/v1/functions/{name}", json=CALLS[name], timeout=60)
    reply = httpx.post(f"{gateway.url}/v1/functions/{name}/stream", json=CALLS[name], timeout=60)
    assert reply.status_code == 200, reply.text
    *partials, (last, final) = events(reply)
    assert last == "final"
    assert json.loads(final) == whole.json()  # at temperature 0
    assert {event for event, _ in partials} == {"partial"}
    for _, data in partials:
        TypeAdapter(catalog[name].partial).validate_json(data)
