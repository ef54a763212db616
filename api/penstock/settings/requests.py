"""What a request may hold, and whose pages may send one."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_settings import NoDecode

_HOST = re.compile(r"\*|[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d{1,5})?")
_ORIGIN = re.compile(r"https?://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d{1,5})?")


def _split(value: object) -> object:
    return [part.strip() for part in re.split(r"[,\n]", value) if part.strip()] if isinstance(value, str) else value


def _hosts(names: tuple[str, ...]) -> tuple[str, ...]:
    return _all_like(_HOST, names, "a host as it stands in a URL, with its port if it has one; or `*`")


def _origins(names: tuple[str, ...]) -> tuple[str, ...]:
    return _all_like(_ORIGIN, names, "an origin: https://host, with its port if it has one, and no path")


def _all_like(pattern: re.Pattern[str], names: tuple[str, ...], looks: str) -> tuple[str, ...]:
    lowered = tuple(name.lower() for name in names)
    for name in lowered:
        if not pattern.fullmatch(name):
            raise ValueError(f"{name!r} is not {looks}")
    return lowered


Hosts = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split), AfterValidator(_hosts)]
Origins = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split), AfterValidator(_origins)]


class Requests(BaseModel):
    """Bounds of a body beside its size, which is `max_body_bytes`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    media_hosts: Hosts = Field(
        (),
        description="Hosts from which a request may have images, audio, video and files fetched; `*` for all, "
        "none if not given: then only `data:` URLs are let through.",
    )
    max_depth: int = Field(100, ge=10, le=900, description="How deep a body may be nested.")
    max_messages: int = Field(2048, ge=1, description="Messages, prompts or inputs in one request.")
    max_tools: int = Field(128, ge=1, description="Tools in one request.")
    max_choices: int = Field(128, ge=1, description="Answers that one request may ask for with `n` or `best_of`.")
    cors_origins: Origins = Field(
        (), description="Origins whose pages may call the API from a browser; none if not given."
    )
