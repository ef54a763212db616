"""The values that settings are made of: models, replicas, clouds and limits."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from penstock.settings.tls import Tls

Ranking = Literal["least_outstanding", "round_robin", "power_of_two", "weighted"]
Period = Literal["hour", "day", "month"]
StatusPage = Literal["loopback", "operators", "everyone", "off"]
Seconds = Annotated[float, Field(gt=0)]
STORE_SCHEMES = ("redis://", "rediss://", "unix://")


def _printable(name: str) -> str:
    if not name.isprintable():
        raise ValueError("holds a control character or a line's end, and a name goes into headers")
    return name


def _variable(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise ValueError("is not the name of an environment variable: put the key there, not here")
    return name


NO_CALLERS: Final = {"anyone": "whoever asks where no key is needed", "none": "whose key is not known"}
"""Names that logs and metrics have for who is no caller."""
Name = Annotated[str, AfterValidator(_printable)]
Variable = Annotated[str, AfterValidator(_variable)]


def checked_url(url: str) -> str:
    """Raises ValueError, which never shows a password."""
    parts = urlsplit(url)
    if "@" in parts.netloc or "?" in url or "#" in url:
        raise ValueError("a URL holds no key and no query here: name the key's environment variable in `api_key_env`")
    plain = url.isascii() and url.isprintable() and " " not in url
    if not plain or parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError("is not a URL: write it as http://host:port")  # one that lacks its scheme may hold a password
    return url.rstrip("/")


def checked_store(url: str) -> str:
    """Raises ValueError, which never shows the URL: it may hold a password."""
    if url and not url.startswith(STORE_SCHEMES):
        raise ValueError(f"begins with one of {', '.join(STORE_SCHEMES)}")
    try:
        bad = urlsplit(url).port == 0
    except ValueError:  # which quotes what stands where the port belongs
        bad = True
    if bad:
        raise ValueError("is not a URL: write it as redis://host:port/number, with %2F for a slash in a password")
    return url


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Timeouts(_Part):
    connect_s: Seconds = Field(2, description="How long a target may take to accept a connection.")
    first_event_s: Seconds = Field(10, description="How long a stream may take to its first event.")
    between_events_s: Seconds = Field(10, description="How long a stream may be silent after its first event.")
    total_s: Seconds = Field(120, description="How long a call may take in all, every attempt included.")
    token_s: Seconds = Field(
        0.1,
        description="A call that does not stream may take first_event_s and this much for each of its "
        "max_tokens, at most total_s.",
    )


class Queueing(_Part):
    parallel: int | None = Field(
        None, ge=1, description="Calls that one instance has open at the replicas at once; beyond, they wait here."
    )
    waiting: int = Field(256, ge=0, description="Calls that may wait.")
    wait_s: Seconds = Field(5, description="How long one may wait.")


class Price(_Part):
    input_per_million_usd: float = Field(0, ge=0, description="Dollars for a million prompt tokens.")
    output_per_million_usd: float = Field(0, ge=0, description="Dollars for a million generated tokens.")


class Replica(_Part):
    url: str = Field(description="Where the vLLM server listens, without /v1.")
    id: str = Field(
        "", pattern=r"^[\w.:-]*$", description="Its name in metrics, logs and headers; host:port if not given."
    )
    weight: float = Field(
        1, gt=0, allow_inf_nan=False, description="Its share of the calls, relative to the other replicas."
    )
    api_key_env: Variable | None = Field(None, description="The environment variable that holds its key.")
    each_address: bool = Field(
        False, description="Each address that DNS has for its host is a replica of its own, as they come and go."
    )
    usd_per_hour: float = Field(0, ge=0, description="Dollars that an hour of it costs.")
    tls: Tls = Field(Tls(), description="For an https URL: whom we believe, and as whom we come.")

    @field_validator("url")
    @classmethod
    def _is_url(cls, url: str) -> str:
        return checked_url(url)

    @model_validator(mode="after")
    def _addresses_have_names_of_their_own(self) -> Self:
        if self.each_address and (self.id or urlsplit(self.url).scheme != "http"):
            raise ValueError("with `each_address` a replica is named by its address and asked by http: leave `id` out")
        return self

    @property
    def name(self) -> str:
        return self.id or urlsplit(self.url).netloc

    def at(self, address: str) -> Replica:
        """The one behind this address of its host."""
        parts = urlsplit(self.url)
        host = f"[{address}]" if ":" in address else address
        url = parts._replace(netloc=f"{host}:{parts.port or 80}").geturl()
        return self.model_copy(update={"url": url, "each_address": False})


class Fallback(_Part):
    cloud: Name = Field(description="The cloud's name under `clouds`.")
    model: Name = Field(description="The model's name there.")


class Model(_Part):
    name: Name = Field(description="What clients ask for.")
    aliases: tuple[Name, ...] = Field((), description="Other names that clients may ask for.")
    served_as: Name = Field("", description="The model's name at the replicas; its own name if not given.")
    replicas: tuple[Replica, ...] = Field((), description="The replicas that serve it.")
    fallback: tuple[Fallback, ...] = Field((), description="The clouds to try, in order, when the pool cannot answer.")
    price: Price = Field(Price(), description="What the cloud charges: the cost of a fallback, the saving of the pool.")
    timeouts: Timeouts = Field(Timeouts(), description="The limits of a call.")
    queueing: Queueing = Field(Queueing(), description="How calls wait where the replicas have enough to do.")

    @property
    def served_name(self) -> str:
        return self.served_as or self.name


class Cloud(_Part):
    base_url: str = Field("https://api.openai.com/v1", description="The cloud's base URL, with /v1.")
    api_key_env: Variable = Field("OPENAI_API_KEY", description="The environment variable that holds our key there.")
    tls: Tls = Field(Tls(), description="Whom we believe, and as whom we come.")

    @field_validator("base_url")
    @classmethod
    def _is_url(cls, url: str) -> str:
        return checked_url(url)


class Breaker(_Part):
    fail_max: int = Field(5, ge=1, description="Failures in a row that open a breaker.")
    reset_s: Seconds = Field(5, description="How long a breaker stays open before one probe is let through.")
    reset_max_s: Seconds = Field(20, description="The longest that it stays so: each failed probe doubles it.")
    window_s: float = Field(30, ge=1, description="The window of the error rate.")
    window_min: int = Field(20, ge=1, description="Outcomes that the window must hold before its rate counts.")
    window_rate: float = Field(0.5, gt=0, le=1, description="The error rate that opens a breaker.")


class Retry(_Part):
    ratio: float = Field(0.1, ge=0, le=1, description="Retries on replicas, as a share of the calls of the last 10 s.")
    floor: int = Field(10, ge=0, description="Retries that are always allowed in 10 s.")
    backoff_s: Seconds = Field(0.02, description="The longest pause before a first retry; it doubles with each.")
    backoff_max_s: Seconds = Field(0.25, description="The longest pause before any retry.")


class FallbackBudget(_Part):
    usd_per_hour: float | None = Field(None, gt=0, description="Dollars that clouds may be paid in an hour of UTC.")
    usd_per_day: float | None = Field(None, gt=0, description="Dollars that they may be paid in a day.")
    usd_per_month: float | None = Field(None, gt=0, description="Dollars that they may be paid in a month.")

    def periods(self) -> tuple[tuple[Period, float | None], ...]:
        return ("hour", self.usd_per_hour), ("day", self.usd_per_day), ("month", self.usd_per_month)


class Watch(_Part):
    interval_s: Seconds = Field(2, description="How often each replica's health and engine metrics are read.")
    timeout_s: Seconds = Field(1, description="How long such a reading may take.")
    failures: int = Field(3, ge=1, description="Failed readings in a row that make a replica count as down.")
    stale_s: Seconds = Field(10, description="The age from which an engine's metrics no longer count.")
    lookup_s: Seconds = Field(5, description="How often the addresses of `each_address` are looked up.")
