"""Which requests are traced, and where their spans go."""

from __future__ import annotations

import re
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from penstock.settings.parts import Seconds, checked_url


class Traces(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    endpoint: str = Field(
        "", description="The collector that takes OTLP over HTTP, as http://host:4318; without it nothing is traced."
    )
    headers: SecretStr = Field(
        SecretStr(""), description="What it is sent beside the spans, a key for instance: `name=value`, by commas."
    )
    ratio: float = Field(
        0.1, ge=0, le=1, description="The share of the requests that are traced, where the caller does not say."
    )
    every_s: Seconds = Field(5, description="How long spans are gathered before they are sent.")

    @field_validator("endpoint")
    @classmethod
    def _is_url(cls, url: str) -> str:
        return checked_url(url) if url else url

    @field_validator("headers")
    @classmethod
    def _are_headers(cls, headers: SecretStr) -> SecretStr:
        _header_fields(headers)
        return headers

    @property
    def header_fields(self) -> dict[str, str]:
        return _header_fields(self.headers)


def _header_fields(headers: SecretStr) -> dict[str, str]:
    """Names and values. Raises ValueError, which never shows a value."""
    found: dict[str, str] = {}
    for pair in filter(None, map(str.strip, headers.get_secret_value().split(","))):
        name, _, escaped = pair.partition("=")
        value = unquote(escaped.strip())
        if not (re.fullmatch(r"[\w-]+ *", name, re.ASCII) and re.fullmatch(r"[ -~]+", value)):
            raise ValueError("each is written as `name=value`, with %2C for a comma in the value")
        found[name.strip().lower()] = value
    return found
