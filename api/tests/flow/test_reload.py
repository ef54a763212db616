"""Targets come and go while an instance runs: by its file, and by an operator's word."""

from collections.abc import Iterator

import pytest
from tests.gateway import Gateway, one_model
from tests.servers import Simulator
from tests.talk import Client, Json, code_of, events, until


@pytest.fixture(scope="module")
def simulators() -> Iterator[list[Simulator]]:
    with Simulator("--speed", "100") as one, Simulator("--speed", "100") as two:
        yield [one, two]


@pytest.fixture(scope="module")
def gateway(simulators: list[Simulator], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with Gateway(tmp_path_factory.mktemp("gateway"), one_model([simulators[0].url])) as process:
        yield process


@pytest.fixture
def client(gateway: Gateway, simulators: list[Simulator]) -> Iterator[Client]:
    """At the start of each test one replica is there, and well."""
    gateway.lines.clear()
    reload(gateway, one_model([simulators[0].url]))
    with Client(gateway.url) as client:
        for action in ("undrain", "breaker/reset"):
            client.http.post(f"/admin/targets/{name_of(simulators[0])}/{action}")
        yield client
    for simulator in simulators:
        simulator.clear()


def name_of(simulator: Simulator) -> str:
    return f"127.0.0.1:{simulator.port}"


def answering(client: Client, times: int = 8) -> set[str]:
    return {client.chat(max_tokens=1).headers["x-penstock-target"] for _ in range(times)}


def reload(gateway: Gateway, settings: Json) -> Json:
    gateway.configure(settings)
    return sighup(gateway)


def sighup(gateway: Gateway) -> Json:
    """Have the file read; what the log says of it."""
    seen = len(gateway.lines)
    gateway.reload()
    said = until(lambda: [line for line in gateway.lines[seen:] if line["event"].startswith("reload")])
    return said[0]


def test_the_file_is_read_again(gateway: Gateway, client: Client, simulators: list[Simulator]) -> None:
    one, two = map(name_of, simulators)
    line = reload(gateway, one_model([each.url for each in simulators]))
    assert (line["event"], line["targets"]) == ("reloaded", sorted([one, two]))
    assert answering(client) == {one, two}
    reload(gateway, one_model([simulators[1].url]))
    assert answering(client) == {two}
    assert set(client.targets()) == {two}


def test_models_come_and_go(gateway: Gateway, client: Client, simulators: list[Simulator]) -> None:
    reload(gateway, one_model([simulators[0].url], name="other", model={"served_as": "tiny"}))
    assert client.chat("other").status_code == 200
    assert (client.chat().status_code, code_of(client.chat())) == (404, "model_not_found")


def test_what_stays_keeps_its_state(gateway: Gateway, client: Client, simulators: list[Simulator]) -> None:
    name = name_of(simulators[0])
    client.http.post(f"/admin/targets/{name}/drain")
    reload(gateway, one_model([each.url for each in simulators]))
    assert client.targets()[name]["drained"]


def test_an_open_stream_outlives_its_replicas_place(
    gateway: Gateway, client: Client, simulators: list[Simulator]
) -> None:
    simulators[0].fault("slow", factor=100, count=1)
    with client.streaming(max_tokens=16) as answer:
        text = answer.iter_text()
        first = next(text)
        reload(gateway, one_model([simulators[1].url]))
        whole = first + "".join(text)
    assert events(whole)[-1] == "[DONE]"
    assert client.in_flight() == 0


@pytest.mark.parametrize(
    "bad",
    [
        "models: [{name: tiny, replicas: [{url: nonsense}]}]",
        "models: [{name: a}, {name: b, aliases: [a]}]",
        "modles: []",
        "models: [{name: a, fallback: [{cloud: nowhere, model: m}]}]",
        "clouds: {c: {api_key_env: NOT_SET_ANYWHERE}}\nmodels: [{name: a, fallback: [{cloud: c, model: m}]}]",
        "models: [{name: a, replicas: [{url: 'http://x', api_key_env: NOT_SET_ANYWHERE}]}]",
        ":\n  - broken: [",
        "just a text",
        "",
        "models: []",
        "port: 2020-99-99",
        "models: " + "[" * 5000,
        f"# {'x' * 2**20}",
    ],
)
def test_a_bad_file_is_refused_and_the_old_stays(
    gateway: Gateway, client: Client, simulators: list[Simulator], bad: str
) -> None:
    gateway.config.write_text(bad)
    line = sighup(gateway)
    assert (line["event"], line["level"]) == ("reload refused", "error")
    assert line["why"]
    assert answering(client, 2) == {name_of(simulators[0])}
    assert not gateway.stray


def test_a_file_that_is_gone_is_refused_too(gateway: Gateway, client: Client, simulators: list[Simulator]) -> None:
    gateway.config.unlink()
    assert sighup(gateway)["event"] == "reload refused"
    assert answering(client, 2) == {name_of(simulators[0])}


def test_a_drained_replica_gets_nothing_new(client: Client, simulators: list[Simulator]) -> None:
    one, two = map(name_of, simulators)
    joined = client.http.post("/admin/targets", json={"model": "tiny", "url": simulators[1].url})
    assert (joined.status_code, joined.json()["id"], joined.json()["models"]) == (201, two, ["tiny"])
    assert answering(client) == {one, two}
    assert client.http.post(f"/admin/targets/{one}/drain").json()["drained"] is True
    assert answering(client) == {two}
    assert client.http.post(f"/admin/targets/{one}/undrain").json()["drained"] is False
    assert answering(client) == {one, two}
    assert client.http.delete(f"/admin/targets/{two}").status_code == 204
    assert answering(client) == {one}
    assert set(client.targets()) == {one}


def test_where_all_are_drained_none_is_asked(client: Client, simulators: list[Simulator]) -> None:
    client.http.post(f"/admin/targets/{name_of(simulators[0])}/drain")
    answer = client.chat()
    assert (answer.status_code, code_of(answer)) == (503, "no_target_available")
    assert answer.headers["retry-after"]


def test_a_reset_closes_a_breaker(client: Client, simulators: list[Simulator]) -> None:
    name = name_of(simulators[0])
    simulators[0].fault("status", status=500)
    until(lambda: client.chat().status_code == 503)
    assert client.targets()[name]["breaker"] == "open"
    simulators[0].clear()
    assert client.http.post(f"/admin/targets/{name}/breaker/reset").json()["breaker"] == "closed"
    assert client.chat().status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"model": "tiny", "url": "nonsense"}, 400, "invalid_request"),
        ({"model": "nothing", "url": "http://x:1"}, 404, "model_not_found"),
        ({"model": "tiny", "url": "http://x:1", "id": "a b"}, 400, "invalid_request"),
        ({"model": "tiny", "url": "http://x:1", "weight": 0}, 400, "invalid_request"),
        ({"model": "tiny", "url": "http://x:1", "key": "k"}, 400, "invalid_request"),
        ({"model": "tiny"}, 400, "invalid_request"),
    ],
)
def test_who_may_not_join(client: Client, body: Json, status: int, code: str) -> None:
    answer = client.http.post("/admin/targets", json=body)
    assert (answer.status_code, code_of(answer)) == (status, code)
    assert len(client.targets()) == 1


def test_nobody_joins_twice(client: Client, simulators: list[Simulator]) -> None:
    answer = client.http.post("/admin/targets", json={"model": "tiny", "url": simulators[0].url})
    assert (answer.status_code, code_of(answer)) == (400, "invalid_request")
