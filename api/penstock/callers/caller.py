"""A caller: who asks, what they may do, and the keys that stand for them. Of a key only its hash is kept."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, field_validator, model_validator

from penstock.settings.parts import Name, Period

MARK = "pk-"
"""What every key that we make begins with, so that people and scanners for secrets know one."""
Priority = Literal["high", "normal", "low"]
LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)


def _whole_second(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)


Moment = Annotated[AwareDatetime, AfterValidator(_whole_second)]


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def digest_of(key: bytes) -> bytes:
    """SHA-256, 32 bytes. Our keys are 256 random bits, so they need no salt and no slow hash."""
    return hashlib.sha256(key).digest()


class Key(_Row):
    """One key of a caller. `id` is no secret: the first characters of the hash."""

    id: str = Field(pattern=r"^[0-9a-f]{12}$", description="Its name in lists and commands.")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the key, in hexadecimal.")
    made_at: Moment = Field(description="When it was made.")
    ends_at: Moment | None = Field(None, description="From then on it opens nothing; never if not given.")

    @field_validator("sha256", "id", mode="before")
    @classmethod
    def _is_text(cls, value: object) -> object:
        """YAML reads a hash of digits alone as a number, which may have lost its zeros in front."""
        if isinstance(value, int | float):
            raise ValueError("put quotes around it")  # noqa: TRY004  # pydantic's own kind
        return value

    @classmethod
    def of(cls, plain: str, made_at: datetime = LONG_AGO, ends_at: datetime | None = None) -> Self:
        """What is kept of a key."""
        sha256 = digest_of(plain.encode()).hex()
        return cls(id=sha256[:12], sha256=sha256, made_at=made_at, ends_at=ends_at)

    @classmethod
    def make(cls, now: datetime, ends_at: datetime | None = None) -> tuple[str, Self]:
        """A new key, to be shown once, and what is kept of it."""
        plain = MARK + secrets.token_urlsafe(32)
        return plain, cls.of(plain, now, ends_at)

    def opens(self, now: datetime) -> bool:
        return self.ends_at is None or now < self.ends_at


class Allowances(_Row):
    """What a caller may do. What is not given is not forbidden."""

    owner: str = Field("", max_length=200, description="Whom to ask about it.")
    models: tuple[str, ...] | None = Field(None, description="The models that it may ask; all if not given.")
    functions: tuple[str, ...] | None = Field(None, description="The typed functions it may call; all if not given.")
    requests_per_minute: int | None = Field(None, ge=1, description="Requests that it may begin in any minute.")
    tokens_per_minute: int | None = Field(None, ge=1, description="Tokens, read and generated, in any minute.")
    parallel: int | None = Field(None, ge=1, description="Requests that it may have open at once.")
    dollars_per_day: float | None = Field(None, gt=0, description="Dollars a day, at its models' prices.")
    dollars_per_month: float | None = Field(None, gt=0, description="Dollars a month, at its models' prices.")
    priority: Priority = Field("normal", description="Who goes first where calls wait: high, normal or low.")
    weight: float = Field(1, gt=0, description="Its share of the turns there, relative to others of its priority.")
    fallback: bool = Field(True, description="Whether a cloud may answer for the pool.")
    critical: bool = Field(False, description="Whether a cloud may do so beyond the budget for clouds.")


class Caller(Allowances):
    """One who asks."""

    name: Name = Field(min_length=1, max_length=200, description="Its name in the log.")
    keys: tuple[Key, ...] = Field((), description="The keys that stand for it.")

    @model_validator(mode="after")
    def _keys_are_told_apart(self) -> Self:
        if len({key.id for key in self.keys}) < len(self.keys):
            raise ValueError("has the same key twice")
        return self

    @cached_property
    def limited(self) -> bool:
        return not (self.requests_per_minute is self.tokens_per_minute is self.parallel is None and not self.budgets)

    @cached_property
    def budgets(self) -> dict[Period, float]:
        """Dollars by the period."""
        told: dict[Period, float | None] = {"day": self.dollars_per_day, "month": self.dollars_per_month}
        return {period: usd for period, usd in told.items() if usd is not None}

    def may_ask(self, model: str) -> bool:
        return self.models is None or model in self.models

    def may_call(self, function: str) -> bool:
        return self.functions is None or function in self.functions


ANYONE = Caller(name="anyone")
"""Whoever asks where no key is needed."""
