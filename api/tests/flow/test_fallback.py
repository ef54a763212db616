"""The clouds behind a pool: in order, in OpenAI's words, named, counted, and never with a key let slip."""

from collections.abc import Iterator

import pytest
from tests.gateway import Gateway
from tests.servers import Simulator
from tests.talk import Client, Json, code_of, events, until

KEY = "sk-the-gateways-own"
PRICE = {"input_per_million_usd": 1000.0, "output_per_million_usd": 2000.0}


@pytest.fixture(scope="module")
def simulators() -> Iterator[dict[str, Simulator]]:
    cloud = ("--role", "cloud", "--speed", "100", "--api-key", KEY, "--model")
    with (
        Simulator("--speed", "100") as replica,
        Simulator(*cloud, "gpt-4o-mini") as first,
        Simulator(*cloud, "other-mini") as second,
    ):
        yield {"replica": replica, "first": first, "second": second}


@pytest.fixture(scope="module")
def gateway(simulators: dict[str, Simulator], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    fallback = [{"cloud": "first", "model": "gpt-4o-mini"}, {"cloud": "second", "model": "other-mini"}]
    replicas = [{"url": simulators["replica"].url, "id": "replica"}]
    settings = {
        "models": [
            {"name": "tiny", "replicas": replicas, "fallback": fallback, "price": PRICE},
            {"name": "cloud-only", "fallback": fallback[:1]},
            {"name": "misconfigured", "fallback": [{"cloud": "locked", "model": "gpt-4o-mini"}]},
        ],
        "clouds": {
            "first": {"base_url": f"{simulators['first'].url}/v1", "api_key_env": "CLOUD_KEY"},
            "second": {"base_url": f"{simulators['second'].url}/v1/", "api_key_env": "CLOUD_KEY"},
            "locked": {"base_url": f"{simulators['first'].url}/v1", "api_key_env": "WRONG_KEY"},
        },
        "breaker": {"fail_max": 1, "reset_s": 60, "reset_max_s": 60},
        "watch": {"interval_s": 600},
    }
    env = {"CLOUD_KEY": KEY, "WRONG_KEY": "sk-wrong-and-secret"}
    with Gateway(tmp_path_factory.mktemp("gateway"), settings, env=env) as process:
        yield process


@pytest.fixture
def client(gateway: Gateway, simulators: dict[str, Simulator]) -> Iterator[Client]:
    """The replica is broken, the clouds are well."""
    simulators["replica"].fault("status", status=500)
    with Client(gateway.url, key="sk-the-clients") as client:
        yield client
        for name in client.targets():
            client.http.post(f"/admin/targets/{name}/breaker/reset")
    for simulator in simulators.values():
        simulator.clear()


@pytest.mark.parametrize("stream", [False, True])
def test_the_first_cloud_answers(client: Client, simulators: dict[str, Simulator], stream: bool) -> None:
    answer = client.chat(stream=stream)
    assert answer.status_code == 200
    told = answer.headers
    assert (told["x-penstock-target"], told["x-penstock-model"]) == ("first", "gpt-4o-mini")
    assert told["x-penstock-attempts"] == "2"
    assert "x-penstock-left-out" not in told
    assert '"model":"gpt-4o-mini-2024-07-18"' in answer.text
    assert not stream or events(answer.text)[-1] == "[DONE]"
    seen = simulators["first"].state()["last"]["headers"]
    assert seen["authorization"] == f"Bearer {KEY}"
    assert seen["x-request-id"] == told["x-request-id"]


def test_the_next_one_answers_where_it_is_broken(client: Client, simulators: dict[str, Simulator]) -> None:
    simulators["first"].fault("status", status=500)
    answer = client.chat()
    assert (answer.status_code, answer.headers["x-penstock-target"]) == (200, "second")
    assert answer.headers["x-penstock-attempts"] == "3"
    again = client.chat()
    assert (again.headers["x-penstock-target"], again.headers["x-penstock-attempts"]) == ("second", "1")


@pytest.mark.parametrize("stream", [False, True])
def test_what_openai_would_refuse_is_left_out_and_named(
    client: Client, simulators: dict[str, Simulator], stream: bool
) -> None:
    extras: Json = {"top_k": 5, "chat_template_kwargs": {"a": 1}, "guided_json": {}, "naïve\r\n": 1, "seed": 3}
    answer = client.chat(stream=stream, **extras)
    assert answer.status_code == 200
    assert answer.headers["x-penstock-left-out"] == "chat_template_kwargs, guided_json, na?ve??, top_k"
    seen = simulators["first"].state()["last"]["body"]
    assert set(seen) == {"model", "messages", "max_tokens", "seed", "stream"} | (
        {"stream_options"} if stream else set()
    )


def test_all_that_was_tried_is_told_where_none_answers(client: Client, simulators: dict[str, Simulator]) -> None:
    for name in ("first", "second"):
        simulators[name].fault("status", status=500)
    answer = client.chat()
    assert (answer.status_code, code_of(answer)) == (502, "upstream_error")
    message = answer.json()["error"]["message"]
    assert [message.index(name) for name in ("replica", "first", "second")] == sorted(
        message.index(name) for name in ("replica", "first", "second")
    )


@pytest.mark.parametrize("stream", [False, True])
def test_a_key_that_the_cloud_refuses_is_not_told(gateway: Gateway, client: Client, stream: bool) -> None:
    answer = client.chat("misconfigured", stream=stream)
    assert (answer.status_code, code_of(answer)) == (502, "upstream_key_refused")
    until(lambda: any(line["request_id"] == answer.headers["x-request-id"] for line in gateway.requests()))
    for secret in ("sk-wrong", "cret", KEY):
        assert secret not in answer.text
        assert secret not in str(answer.headers)
        assert secret not in str(gateway.lines)


def test_a_cloud_that_is_busy_says_when_to_come_back(client: Client, simulators: dict[str, Simulator]) -> None:
    simulators["first"].fault("status", status=429, retry_after=9)
    answer = client.chat("cloud-only")
    assert (answer.status_code, code_of(answer), answer.headers["retry-after"]) == (429, "upstream_busy", "9")
    assert client.targets()["first"]["breaker"] == "closed"


def test_a_busy_pool_falls_back_without_a_word(client: Client, simulators: dict[str, Simulator]) -> None:
    simulators["replica"].clear()
    simulators["replica"].fault("status", status=429, retry_after=9)
    answer = client.chat()
    assert (answer.status_code, answer.headers["x-penstock-target"]) == (200, "first")


def test_what_the_cloud_refuses_is_the_clients_doing(client: Client) -> None:
    answer = client.chat("cloud-only", temperature=-1)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "temperature")
    assert client.targets()["first"]["breaker"] == "closed"


def test_a_drained_cloud_is_not_asked(client: Client) -> None:
    client.http.post("/admin/targets/first/drain")
    assert client.chat().headers["x-penstock-target"] == "second"
    client.http.post("/admin/targets/first/undrain")
    assert client.chat().headers["x-penstock-target"] == "first"


@pytest.mark.parametrize("stream", [False, True])
def test_it_is_counted_and_costs(gateway: Gateway, client: Client, stream: bool) -> None:
    before = client.samples()
    answer = client.chat(stream=stream, max_tokens=5, stream_options={"include_usage": True} if stream else None)
    line = gateway.wait_for(lambda line: line.get("request_id") == answer.headers["x-request-id"])
    after = client.samples()

    def grown(name: str) -> float:
        return after[name] - before.get(name, 0.0)

    read, written = line["input_tokens"], line["output_tokens"]
    assert (read > 0, written) == (True, 5)
    assert f'"prompt_tokens":{read},' in answer.text
    cost = (read * 1000 + written * 2000) / 1e6
    assert line["cost_usd"] == pytest.approx(cost)
    assert line["target"] == "first"
    assert grown('penstock_cost_usd_total{model="tiny",target_kind="cloud"}') == pytest.approx(cost)
    assert grown('penstock_fallback_total{model="tiny",reason="server_error"}') == 1
    assert grown('penstock_tokens_total{kind="output",model="tiny",target_kind="cloud"}') == 5
    assert grown('penstock_tokens_total{kind="input",model="tiny",target_kind="cloud"}') == read
    assert grown('penstock_attempts_total{target="first",verdict="answered"}') == 1
    assert grown('penstock_attempts_total{target="replica",verdict="server_error"}') == 1
    assert 'penstock_saved_usd_total{model="tiny"}' not in after
