"""Who is let in where."""

import pytest
from penstock.errors import Forbidden, PenstockError, Unauthorized
from penstock.surfaces.auth import OPEN_ROUTES, Doorkeeper
from pydantic import SecretStr

CHAT = "/v1/chat/completions"
ADMIN = "/admin/targets"


def keys(*written: str) -> tuple[SecretStr, ...]:
    return tuple(SecretStr(each) for each in written)


DOOR = Doorkeeper(keys("shop=sk-shop", "search=sk-search=="), keys("ada=sk-ada"))


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
    assert DOOR.caller(path, headers) == caller


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
    assert DOOR.caller(path, {}) == "anyone"


def test_the_open_routes_are_few() -> None:
    probes = {"/health/live", "/health/ready", "/metrics"}
    assert {"/", "/status/events", "/docs", "/openapi.json"} | probes == OPEN_ROUTES


def test_without_any_keys_everyone_is_let_in() -> None:
    assert Doorkeeper((), ()).caller(ADMIN, {}) == "anyone"


HERE = {b"host": b"127.0.0.1:8080"}


def test_without_any_keys_a_page_of_another_site_does_nothing_as_an_operator() -> None:
    door = Doorkeeper((), ())
    assert door.caller(ADMIN, {**HERE, b"origin": b"http://127.0.0.1:8080"}) == "anyone"
    for origin in (b"https://example.com", b"null", b"http://127.0.0.1:9090"):
        with pytest.raises(Forbidden):
            door.caller(ADMIN, {**HERE, b"origin": origin})
    assert door.caller(CHAT, {**HERE, b"origin": b"https://example.com"}) == "anyone"


@pytest.mark.parametrize(
    ("door", "key", "error"),
    [
        (Doorkeeper((), keys("ada=sk-ada")), "sk-shop", Unauthorized),
        (Doorkeeper(keys("shop=sk-shop"), ()), "sk-shop", Forbidden),
    ],
)
def test_keys_of_one_kind_alone_do_not_open_the_other(door: Doorkeeper, key: str, error: type[PenstockError]) -> None:
    with pytest.raises(error):
        door.caller(ADMIN, bearer(key))


def test_keys_are_kept_as_hashes_only() -> None:
    assert "sk-shop" not in repr(vars(DOOR))
