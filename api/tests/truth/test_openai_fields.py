"""What we let through to OpenAI is what its own client knows."""

from typing import get_args, get_type_hints

import pytest
from openai.types import completion_create_params, embedding_create_params
from openai.types.chat import completion_create_params as chat_create_params
from openai.types.responses import response_create_params
from penstock.upstream.dialects import DIALECTS
from penstock.upstream.openai_fields import KNOWN

PARAMS: dict[str, object] = {
    "chat": chat_create_params.CompletionCreateParams,
    "completions": completion_create_params.CompletionCreateParams,
    "responses": response_create_params.ResponseCreateParams,
    "embeddings": embedding_create_params.EmbeddingCreateParams,
}


@pytest.mark.parametrize("dialect", [dialect.name for dialect in DIALECTS])
def test_the_members_are_those_of_the_clients_request_type(dialect: str) -> None:
    kinds = get_args(PARAMS[dialect]) or (PARAMS[dialect],)  # some are two types: streaming and not
    assert KNOWN[dialect] == set().union(*(get_type_hints(kind) for kind in kinds))
