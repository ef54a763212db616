"""A key and an address may ask so often and have so much open, and hear when they may ask again."""

import time

import httpx
import pytest

from tests.edge.conftest import Fleet, MakeEdge
from tests.talk import Json, code_of, until


def statuses(client: httpx.Client, count: int, **headers: str) -> list[int]:
    return [client.get("/v1/models", headers=headers).status_code for _ in range(count)]


def test_a_key_s_rate(make_edge: MakeEdge, fleet: Fleet) -> None:
    edge = make_edge({"blue": fleet.addresses}, EDGE_KEY_RATE="0.5", EDGE_KEY_BURST="5")
    with edge.client("one") as one, edge.client("two") as two, edge.client() as nobody:
        assert statuses(one.http, 5) == [200] * 5
        refused = one.http.get("/v1/models")
        assert (refused.status_code, code_of(refused)) == (429, "key_rate_exceeded")
        assert refused.json()["error"]["type"] == "rate_limit_error"
        assert refused.headers["retry-after"] in {"1", "2"}
        assert statuses(two.http, 5) == [200] * 5, "another key has a rate of its own"
        assert statuses(nobody.http, 20) == [200] * 20
        assert one.http.get("/v1/models", headers={"authorization": "bearer  one"}).status_code == 429
    assert edge.samples()['edge_rate_limited_total{code="key_rate_exceeded"}'] == 2


def test_retry_after_is_true(make_edge: MakeEdge, fleet: Fleet) -> None:
    edge = make_edge({"blue": fleet.addresses}, EDGE_KEY_RATE="1", EDGE_KEY_BURST="2")
    with edge.client("one") as client:
        assert statuses(client.http, 3) == [200, 200, 429]
        began = time.monotonic()
        assert client.http.get("/v1/models").headers["retry-after"] == "1"
        until(lambda: client.http.get("/v1/models").status_code == 200, 2)
        assert time.monotonic() - began < 1.3, "being refused costs nothing"


def test_an_address_s_rate(make_edge: MakeEdge, fleet: Fleet) -> None:
    edge = make_edge({"blue": fleet.addresses}, EDGE_ADDRESS_RATE="1", EDGE_ADDRESS_BURST="5")
    with edge.client("one") as one, edge.client("two") as two:
        assert statuses(one.http, 3) + statuses(two.http, 2) == [200] * 5
        refused = two.http.get("/v1/models")
    assert (refused.status_code, code_of(refused)) == (429, "address_rate_exceeded")
    assert refused.headers["retry-after"] == "1"


def test_the_address_is_a_trusted_proxy_s_word(make_edge: MakeEdge, fleet: Fleet) -> None:
    limits = {"EDGE_ADDRESS_RATE": "0.1", "EDGE_ADDRESS_BURST": "2", "EDGE_TRUSTED_PROXIES": "127.0.0.1 10.0.0.0/8"}
    edge = make_edge({"blue": fleet.addresses}, **limits)
    with edge.client() as client:
        for address in ("192.0.2.1", "192.0.2.2, 10.1.1.1"):
            assert statuses(client.http, 3, **{"x-forwarded-for": address}) == [200, 200, 429]
        first, same, other = (f"2001:db8:0:{net}::{host}" for net, host in ((1, 1), (1, 2), (2, 1)))
        told = [statuses(client.http, 2, **{"x-forwarded-for": address}) for address in (first, same, other)]
        assert told == [[200, 200], [429, 429], [200, 200]], "who has one address of a /64 has them all"


def test_an_untrusted_word_is_not_believed(make_edge: MakeEdge, fleet: Fleet) -> None:
    edge = make_edge({"blue": fleet.addresses}, EDGE_ADDRESS_RATE="0.1", EDGE_ADDRESS_BURST="2")
    with edge.client() as client:
        told = [statuses(client.http, 1, **{"x-forwarded-for": f"192.0.2.{n}"}) for n in range(3)]
    assert told == [[200], [200], [429]]


def test_what_is_open_at_once(make_edge: MakeEdge, fleet: Fleet) -> None:
    edge = make_edge({"blue": fleet.addresses}, EDGE_ADDRESS_OPEN="2")
    long: Json = {"max_tokens": 4000, "min_tokens": 4000, "ignore_eos": True}
    with edge.client() as client, client.streaming(**long), client.streaming(**long):
        refused = client.chat()
        assert (refused.status_code, code_of(refused)) == (429, "too_many_open")
        assert refused.headers["retry-after"] == "1"
    with edge.client() as client:
        until(lambda: client.chat(max_tokens=1).status_code == 200)


@pytest.mark.parametrize("setting", ["EDGE_KEY_RATE", "EDGE_ADDRESS_RATE"])
def test_no_rate_is_no_limit(make_edge: MakeEdge, fleet: Fleet, setting: str) -> None:
    edge = make_edge({"blue": fleet.addresses}, **{setting: "0", setting.replace("RATE", "BURST"): "1"})
    with edge.client("one") as client:
        assert statuses(client.http, 20) == [200] * 20


def test_who_guesses_keys_is_held_up_and_nobody_else(make_edge: MakeEdge, fleet: Fleet) -> None:
    """A key of its own for each guess does not help: the address is one."""
    limits = {"EDGE_ADDRESS_RATE": "0.1", "EDGE_ADDRESS_BURST": "10", "EDGE_TRUSTED_PROXIES": "127.0.0.1"}
    edge = make_edge({"blue": fleet.addresses}, **limits)
    with edge.client() as client:
        guesses = [
            client.http.get("/v1/models", headers={"x-forwarded-for": "192.0.2.1", "authorization": f"Bearer pk-{n}"})
            for n in range(40)
        ]
        assert [each.status_code for each in guesses] == [200] * 10 + [429] * 30
        assert statuses(client.http, 10, **{"x-forwarded-for": "192.0.2.2"}) == [200] * 10


@pytest.mark.parametrize("first", [True, False])
def test_a_second_key_in_a_request_is_no_way_round_the_first(make_edge: MakeEdge, fleet: Fleet, first: bool) -> None:
    """Which of two would be limited, and which would open?"""
    edge = make_edge({"blue": fleet.addresses}, EDGE_KEY_RATE="0.1", EDGE_KEY_BURST="2")
    with edge.client() as client:
        for n in range(3):
            pair = [("authorization", "Bearer pk-mine"), ("authorization", f"Bearer pk-made-up-{n}")]
            answer = client.http.get("/v1/models", headers=pair if first else pair[::-1])
            assert answer.status_code == 400
