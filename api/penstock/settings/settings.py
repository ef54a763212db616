"""Every setting once: its name, its default and its sentence."""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import AliasChoices, Field, SecretStr, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from penstock import __version__
from penstock.settings.agreement import names_agree, targets_are_told_apart
from penstock.settings.environment import PREFIX, SettingsError, environment, variable
from penstock.settings.parts import (
    NO_CALLERS,
    Breaker,
    Cloud,
    FallbackBudget,
    Model,
    Name,
    Ranking,
    Retry,
    Seconds,
    StatusPage,
    Watch,
    checked_store,
    checked_url,
)
from penstock.settings.requests import Requests
from penstock.settings.traces import Traces

COMMAND_LINE = "--"
"""The keyword under which `Settings` takes what the command line says; no file can hold it as a setting."""


class Settings(BaseSettings):
    """What an instance is told at its start."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True, populate_by_name=True
    )

    host: str = Field("127.0.0.1", description="The address to listen on.")
    port: int = Field(8080, ge=0, le=65535, description="The port to listen on; 0 takes a free one.")
    insecure: bool = Field(False, description="Serve without keys on an address that is not loopback.")
    api_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (),
        description="Keys that clients may use, each as `name=key`; separated by commas in the environment.",
    )
    operator_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (), description="Keys that open /admin, each as `name=key`."
    )
    callers: str = Field(
        "",
        description="Where callers and their keys are kept: the path of a YAML file, or `redis` for `redis_url`.",
    )
    version: str = Field(__version__, description="What the metrics call this version; the image says its own.")
    status_page: StatusPage = Field("loopback", description="Who may see the status page at `/`.")

    replicas: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="URLs of replicas whose models are discovered; the start that needs no file."
    )
    models: tuple[Model, ...] = Field((), description="The models served, each with its pool and fallback.")
    clouds: dict[Name, Cloud] = Field({}, description="The clouds that models may fall back to, by name.")
    fallback_model: Name = Field(
        "gpt-4o-mini", description="The cloud's model for discovered models, where OPENAI_API_KEY is set."
    )
    openai_base_url: str = Field(
        "https://api.openai.com/v1",
        validation_alias=AliasChoices("PENSTOCK_OPENAI_BASE_URL", "OPENAI_BASE_URL"),
        description="The cloud that OPENAI_API_KEY belongs to, where `clouds` names none.",
    )
    functions_model: Name = Field(
        "", description="What `default` means as a typed function's model; the first model if not given."
    )

    ranking: Ranking = Field("least_outstanding", description="How the replicas of a pool are put in order.")
    breaker: Breaker = Field(Breaker(), description="When a target is left alone, and for how long.")
    retry: Retry = Field(Retry(), description="How often a call may be tried again.")
    fallback_budget: FallbackBudget = Field(
        FallbackBudget(), description="What clouds may be paid for answers, over all instances."
    )
    watch: Watch = Field(Watch(), description="How replicas are watched.")
    traces: Traces = Field(Traces(), description="Which requests are traced, and where their spans go.")
    redis_url: SecretStr = Field(SecretStr(""), description="Where instances share state; in memory if not given.")
    usage_dir: str = Field("", description="A folder that keeps what was counted for callers until Redis has it.")
    max_connections: int = Field(1024, ge=1, description="Connections to one target at the most.")

    requests: Requests = Field(Requests(), description="What a request may hold, and whose pages may send one.")
    max_body_bytes: int = Field(16 * 2**20, ge=1024, description="The largest request body, in bytes.")
    max_reply_bytes: int = Field(64 * 2**20, ge=1024, description="The largest reply of a target, in bytes.")
    body_timeout_s: Seconds = Field(30, description="How long a client may take to send its request.")
    drain_delay_s: float = Field(2, ge=0, description="After SIGTERM, how long new requests are still served.")
    drain_s: float = Field(
        30,
        ge=0,
        validation_alias=AliasChoices("PENSTOCK_DRAIN_S", "PENSTOCK_DRAIN_SECONDS", "drain_s", "drain_seconds"),
        description="After that, how long open requests may run.",
    )

    @field_validator("replicas", "api_keys", "operator_keys", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [part.strip() for part in re.split(r"[,\n]", value) if part.strip()] if isinstance(value, str) else value

    @field_validator("replicas")
    @classmethod
    def _are_urls(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(checked_url(url) for url in urls)

    @field_validator("redis_url")
    @classmethod
    def _is_a_store(cls, url: SecretStr) -> SecretStr:
        checked_store(url.get_secret_value())
        return url

    @field_validator("openai_base_url")
    @classmethod
    def _is_url(cls, url: str) -> str:
        return checked_url(url)

    @field_validator("api_keys", "operator_keys")
    @classmethod
    def _are_keys(cls, keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for secret in keys:
            name, _, key = secret.get_secret_value().partition("=")
            # An empty key would let in whoever sends none, and one padded with `=` is a key without a name.
            if not name or not key.strip("="):
                raise ValueError("each key is written as `name=key`, and neither may be empty")
            if name in NO_CALLERS:
                raise ValueError(f"the name `{name}` stands for {NO_CALLERS[name]}: a key needs another")
        return keys

    @model_validator(mode="after")
    def _redis_has_a_place(self) -> Self:
        for name, needed in (("callers", self.callers == "redis"), ("usage_dir", self.usage_dir != "")):
            if needed and not self.redis_url.get_secret_value():
                raise ValueError(f"`{name}` needs Redis, and `redis_url` says not where that is")
        return self

    @model_validator(mode="after")
    def _keys_are_told_apart(self) -> Self:
        keys = [secret.get_secret_value().partition("=")[2] for secret in (*self.api_keys, *self.operator_keys)]
        if len(set(keys)) < len(keys):
            raise ValueError("a key stands for two: each of `api_keys` and `operator_keys` needs its own")
        return self

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        targets_are_told_apart(self.models, self.clouds, self.replicas)
        names_agree(self.models, self.clouds)
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The command line outranks the environment, which outranks the file, which comes in as keywords."""
        assert isinstance(init_settings, InitSettingsSource)  # noqa: S101  # pydantic-settings' own promise
        assert isinstance(env_settings, EnvSettingsSource)  # noqa: S101
        command_line = InitSettingsSource(settings_cls, init_settings.init_kwargs.pop(COMMAND_LINE, {}))
        env_settings.env_vars = {name.lower(): value for name, value in environment().items()}
        return command_line, env_settings, init_settings

    @property
    def keyed(self) -> bool:
        """Keys are needed: there are some, or a place for them."""
        return bool(self.api_keys or self.operator_keys or self.callers)

    def secret(self, name: str | None) -> str:
        """The key that the environment variable `name` (or the file that `name_FILE` names) holds."""
        if name is None:
            return ""
        value = variable(name)
        if not value:
            raise SettingsError(f"{name} is not set: put the key there, or its file's path into {name}_FILE")
        return value
