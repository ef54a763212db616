"""docs/api.md has every route and header, and OpenAPI has every hot route."""

import os
import re

import pytest
from penstock.app import Instance, create_app
from penstock.functions.environment import prepare_environment
from penstock.settings import Settings
from tests.pages import ROOT, page, rows, section

PAGE = page("docs/api.md")
ABOUT_ITSELF = {"GET /", "GET /docs", "GET /openapi.json"}
"""Routes that OpenAPI leaves out."""
NOT_JSON_ERRORS = {"/health/ready", "/metrics"}
"""Routes for machines that go by the status."""


@pytest.fixture(scope="module")
def instance() -> Instance:
    prepare_environment(os.environ)
    return create_app(Settings())


def documented(instance: Instance) -> set[str]:
    paths = instance.front.app.openapi()["paths"]  # type: ignore[attr-defined]  # it is a FastAPI
    return {f"{method.upper()} {path}" for path, item in paths.items() for method in item}


def test_every_route_stands_there_and_no_other(instance: Instance) -> None:
    routes = {re.sub(r"(/v1/functions/)\w+", r"\1{Name}", route) for route in documented(instance)}
    told = {cells[0].strip("`") for cells in rows(section(PAGE, "## Routes"))}
    assert told == routes | ABOUT_ITSELF


def test_every_hot_route_is_in_the_openapi_document(instance: Instance) -> None:
    assert {f"POST {path}" for path in instance.front.hot} <= documented(instance)


def test_every_header_of_ours_stands_there() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "api/penstock").rglob("*.py"))
    assert set(re.findall(r"x-penstock-[a-z-]+", sources)) == set(re.findall(r"x-penstock-[a-z-]+", PAGE))


def test_every_error_that_openapi_promises_has_the_one_shape(instance: Instance) -> None:
    document = instance.front.app.openapi()  # type: ignore[attr-defined]
    told = [
        (path, status, response["content"]["application/json"]["schema"])
        for path, item in document["paths"].items()
        for operation in item.values()
        for status, response in operation["responses"].items()
        if status[0] in "45" and path not in NOT_JSON_ERRORS
    ]
    assert told
    assert [each for each in told if each[2] != {"$ref": "#/components/schemas/ErrorBody"}] == []
