"""docs/settings.md has every setting with its environment variable, default and sentence, and no other."""

import pytest
from penstock.settings import Settings
from penstock.settings.parts import (
    Breaker,
    Cloud,
    Fallback,
    FallbackBudget,
    Model,
    Price,
    Queueing,
    Replica,
    Retry,
    Timeouts,
    Watch,
)
from penstock.settings.requests import Requests
from penstock.settings.tls import Tls
from penstock.settings.traces import Traces
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from tests.pages import page, rows, section

PAGE = page("docs/settings.md")
GROUPS: dict[str, tuple[type[BaseModel], str | None]] = {
    "## The instance": (Settings, "PENSTOCK_"),
    "## `models`, a list": (Model, None),
    "### `models.replicas`, a list": (Replica, None),
    "### `models.fallback`, a list": (Fallback, None),
    "### `models.price`": (Price, None),
    "### `models.timeouts`": (Timeouts, None),
    "### `models.queueing`": (Queueing, None),
    "## `clouds`, by name": (Cloud, None),
    "## `tls`, of a replica or a cloud": (Tls, None),
    "## `requests`": (Requests, "PENSTOCK_REQUESTS__"),
    "## `breaker`": (Breaker, "PENSTOCK_BREAKER__"),
    "## `retry`": (Retry, "PENSTOCK_RETRY__"),
    "## `fallback_budget`": (FallbackBudget, "PENSTOCK_FALLBACK_BUDGET__"),
    "## `watch`": (Watch, "PENSTOCK_WATCH__"),
    "## `traces`": (Traces, "PENSTOCK_TRACES__"),
}


def default(field: FieldInfo) -> str:
    value = field.default
    if field.is_required():
        return "required"
    if isinstance(value, BaseModel):
        return "see below"
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if value in ("", (), {}, None):
        return "none"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def row(name: str, field: FieldInfo, prefix: str | None) -> list[str]:
    variable = [f"`{prefix}{name.upper()}`"] if prefix else []
    return [f"`{name}`", *variable, default(field), field.description or "a sentence is missing"]


@pytest.mark.parametrize("heading", GROUPS)
def test_a_group_s_table_is_what_the_code_says(heading: str) -> None:
    model, prefix = GROUPS[heading]
    own = section(PAGE, heading).split("\n### ")[0]
    width = 4 if prefix else 3
    told = [each for each in rows(own) if len(each) == width]
    assert told == [row(name, field, prefix) for name, field in model.model_fields.items()]


def test_every_variable_that_the_page_names_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENSTOCK_REDIS_URL", "redis://told")  # some settings need it
    values = {"int": "7000", "float": "7.5", "bool": "true", "str": "http://told/v1"}
    for name, field in Settings.model_fields.items():
        kind = getattr(field.annotation, "__name__", "")
        if kind in values and f"`PENSTOCK_{name.upper()}`" in PAGE:
            monkeypatch.setenv(f"PENSTOCK_{name.upper()}", values[kind])
            assert str(getattr(Settings(), name)).lower() == values[kind], name


def test_every_ranking_is_explained() -> None:
    told = {each[0].strip("`") for each in rows(PAGE) if len(each) == 2}
    rankings = Settings.model_fields["ranking"].annotation
    assert told == set(getattr(rankings, "__args__", ()))
