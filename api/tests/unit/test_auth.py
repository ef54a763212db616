"""Who is let in where."""

import inspect

import pytest
from penstock.callers.caller import ANYONE
from penstock.errors import Forbidden, PenstockError, Unauthorized
from penstock.surfaces.auth import OPEN_ROUTES, Doorkeeper
from tests.door import door

CHAT = "/v1/chat/completions"
ADMIN = "/admin/targets"


DOOR = door(("shop=sk-shop", "search=sk-search=="), ("ada=sk-ada",))


def bearer(key: str) -> dict[bytes, bytes]:
    return {b"authorization": f"Bearer {key}".encode()}


@pytest.mark.parametrize(
    ("path", "headers", "caller"),
    [
        (CHAT, bearer("sk-shop"), "shop"),
        (CHAT, bearer("sk-search=="), "search"),
        (CHAT, bearer("sk-ada"), "ada"),
        (ADMIN, bearer("sk-ada"), "ada"),
        (CHAT, {b"authorization": b"bearer   sk-shop "}, "shop"),
    ],
)
def test_a_known_key_is_its_callers_name(path: str, headers: dict[bytes, bytes], caller: str) -> None:
    assert DOOR.caller(path, headers).name == caller


@pytest.mark.parametrize(
    "headers",
    [
        {},
        bearer(""),
        bearer("sk-sho"),
        bearer("sk-shopp"),
        bearer("shop=sk-shop"),
        bearer("shop"),
        {b"authorization": b"sk-shop"},
        {b"authorization": b"Basic sk-shop"},
        {b"authorization": b""},
        {b"authorization": b"Bearer \xff\x00"},
        {b"x-api-key": b"sk-shop"},
    ],
)
@pytest.mark.parametrize("path", [CHAT, ADMIN, "/v1/models", "/nowhere", "/metrics/", "/health", ""])
def test_anything_else_is_turned_away(path: str, headers: dict[bytes, bytes]) -> None:
    with pytest.raises(Unauthorized) as refused:
        DOOR.caller(path, headers)
    assert refused.value.status == 401
    assert "sk-" not in refused.value.message


@pytest.mark.parametrize("path", ["/admin", ADMIN, "/admin/targets/gpu-1/drain"])
def test_a_callers_key_opens_no_operators_door(path: str) -> None:
    with pytest.raises(Forbidden) as refused:
        DOOR.caller(path, bearer("sk-shop"))
    assert refused.value.status == 403


@pytest.mark.parametrize("path", sorted(OPEN_ROUTES))
def test_open_routes_ask_for_no_key(path: str) -> None:
    assert DOOR.caller(path, {}) is ANYONE


def test_the_open_routes_are_few() -> None:
    probes = {"/health/live", "/health/ready", "/metrics"}
    assert {"/", "/status/events", "/docs", "/openapi.json"} | probes == OPEN_ROUTES


def test_without_any_keys_everyone_is_let_in() -> None:
    assert door().caller(ADMIN, {}) is ANYONE


HERE = {b"host": b"127.0.0.1:8080"}


def test_without_any_keys_a_page_of_another_site_does_nothing_as_an_operator() -> None:
    unkeyed = door()
    assert unkeyed.caller(ADMIN, {**HERE, b"origin": b"http://127.0.0.1:8080"}) is ANYONE
    for origin in (b"https://example.com", b"null", b"http://127.0.0.1:9090"):
        with pytest.raises(Forbidden):
            unkeyed.caller(ADMIN, {**HERE, b"origin": origin})
    assert unkeyed.caller(CHAT, {**HERE, b"origin": b"https://example.com"}) is ANYONE


@pytest.mark.parametrize(
    ("keyed", "key", "error"),
    [
        (door((), ("ada=sk-ada",)), "sk-shop", Unauthorized),
        (door(("shop=sk-shop",)), "sk-shop", Forbidden),
    ],
)
def test_keys_of_one_kind_alone_do_not_open_the_other(keyed: Doorkeeper, key: str, error: type[PenstockError]) -> None:
    with pytest.raises(error):
        keyed.caller(ADMIN, bearer(key))


def test_keys_are_kept_as_hashes_only() -> None:
    assert "sk-shop" not in repr(inspect.getmembers(DOOR))
