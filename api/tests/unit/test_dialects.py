"""The rows of the table of dialects."""

from typing import Any

import pytest
from penstock.upstream.chat_events import ChatEvents
from penstock.upstream.dialects import DIALECTS
from penstock.upstream.openai_fields import KNOWN
from penstock.upstream.responses_events import ResponsesEvents
from penstock.upstream.usage import Usage

ROWS = {dialect.name: dialect for dialect in DIALECTS}


def test_the_rows() -> None:
    rows = {name: (each.path, each.prompt, each.answer, each.events, each.asks_usage) for name, each in ROWS.items()}
    assert rows == {
        "chat": ("/v1/chat/completions", "messages", "choices", ChatEvents, True),
        "completions": ("/v1/completions", "prompt", "choices", ChatEvents, True),
        "responses": ("/v1/responses", "input", "output", ResponsesEvents, False),
        "embeddings": ("/v1/embeddings", "input", "data", None, False),
    }


def test_each_row_has_its_known_members_and_speaks_of_those() -> None:
    assert ROWS.keys() == KNOWN.keys()
    for name, dialect in ROWS.items():
        assert {"model", dialect.prompt, *dialect.limits} <= KNOWN[name]


@pytest.mark.parametrize(
    ("dialect", "fields", "limit"),
    [
        ("chat", {}, None),
        ("chat", {"max_tokens": 5}, 5),
        ("chat", {"max_completion_tokens": 7, "max_tokens": 5}, 7),
        ("chat", {"max_completion_tokens": None, "max_tokens": 5}, 5),
        ("chat", {"max_tokens": 0}, None),
        ("chat", {"max_tokens": -1}, None),
        ("chat", {"max_tokens": "9"}, None),
        ("completions", {"max_tokens": 5}, 5),
        ("completions", {"max_completion_tokens": 5}, None),
        ("responses", {"max_output_tokens": 5}, 5),
        ("embeddings", {"max_tokens": 5}, None),
    ],
)
def test_the_limit_of_tokens(dialect: str, fields: dict[str, Any], limit: int | None) -> None:
    assert ROWS[dialect].max_tokens(fields) == limit


@pytest.mark.parametrize(
    ("dialect", "fields", "count"),
    [
        ("chat", {}, 1),
        ("chat", {"n": 3}, 3),
        ("chat", {"n": None}, 1),
        ("chat", {"n": 0}, 1),
        ("completions", {"prompt": "one"}, 1),
        ("completions", {"prompt": ["one", "two"]}, 2),
        ("completions", {"prompt": ["one", "two"], "n": 3}, 6),
        ("completions", {"prompt": [1, 2, 3]}, 1),
        ("completions", {"prompt": [[1, 2], [3]]}, 2),
        ("completions", {"prompt": []}, 1),
        ("responses", {"n": 3}, 1),
        ("embeddings", {"input": ["a", "b"]}, 1),
    ],
)
def test_how_many_answers_a_stream_has_to_finish(dialect: str, fields: dict[str, Any], count: int) -> None:
    assert ROWS[dialect].choices(fields) == count


@pytest.mark.parametrize("dialect", sorted(ROWS))
def test_usage_stands_in_the_reply(dialect: str) -> None:
    assert ROWS[dialect].usage({"usage": {"prompt_tokens": 1, "completion_tokens": 2}}) == Usage(1, 2)
    assert ROWS[dialect].usage({}) is None
