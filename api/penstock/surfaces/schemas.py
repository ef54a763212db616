"""What the generating routes take and give, for OpenAPI. The members that we read; all others pass through."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class _Open(BaseModel):
    model_config = ConfigDict(extra="allow")


class Generating(_Open):
    """Members of OpenAI's and of vLLM's that are not named here reach the target as they are."""

    model: str = Field(description="A model's name or alias, as GET /v1/models lists them.")
    stream: bool = False
    stream_options: dict[str, Any] | None = None


class ChatRequest(Generating):
    messages: list[dict[str, Any]]
    max_completion_tokens: int | None = None
    max_tokens: int | None = None
    n: int | None = None


class CompletionRequest(Generating):
    prompt: Any
    max_tokens: int | None = None
    n: int | None = None


class ResponsesRequest(Generating):
    input: Any = None
    max_output_tokens: int | None = None


class EmbeddingsRequest(_Open):
    model: str = Field(description="A model's name or alias, as GET /v1/models lists them.")
    input: Any


class Answer(_Open):
    """The target's answer, byte for byte."""

    model: str = Field(description="Who really served.")


class ErrorDetail(BaseModel):
    message: str
    type: str
    param: str | None
    code: str | None


class ErrorBody(BaseModel):
    """Every error of every route."""

    error: ErrorDetail


REQUESTS: dict[str, type[BaseModel]] = {
    "chat": ChatRequest,
    "completions": CompletionRequest,
    "responses": ResponsesRequest,
    "embeddings": EmbeddingsRequest,
}
