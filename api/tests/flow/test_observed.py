"""What is seen from outside: the metrics and the log, after traffic that is known."""

import re
from collections.abc import Iterator

import pytest
from tests.gateway import Gateway, Line, one_model
from tests.servers import Simulator
from tests.talk import Client, Json

PRICE = {"input_per_million_usd": 1000.0, "output_per_million_usd": 2000.0}
SECRET = "zanzibar"
FIELDS = {
    "request_id", "surface", "caller", "model", "function", "target", "attempts", "status", "outcome", "code", "stream",
    "seconds", "first_token_s", "waited_s", "queued_s", "input_tokens", "output_tokens", "estimated", "cost_usd",
    "event", "level", "timestamp",
}  # fmt: skip


@pytest.fixture(scope="module")
def replica() -> Iterator[Simulator]:
    with Simulator("--speed", "20") as simulator:
        yield simulator


@pytest.fixture(scope="module")
def gateway(replica: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    model = {"price": PRICE, "replicas": [{"url": replica.url, "id": "gpu-1"}], "timeouts": {"first_event_s": 0.5}}
    settings = one_model([], model=model, breaker={"fail_max": 100})
    with Gateway(tmp_path_factory.mktemp("gateway"), settings) as process:
        yield process


@pytest.fixture
def client(gateway: Gateway, replica: Simulator) -> Iterator[Client]:
    with Client(gateway.url) as client:
        yield client
    replica.clear()


class Growth:
    """How much each metric has grown since this was made."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._before = client.samples()

    def __call__(self) -> dict[str, float]:
        after = self._client.samples()
        grown = {name: value - self._before.get(name, 0.0) for name, value in after.items()}
        return {name: value for name, value in grown.items() if value and name.startswith("penstock_")}


def line_of(gateway: Gateway, request_id: str) -> Line:
    return gateway.wait_for(lambda line: line.get("request_id") == request_id)


def test_a_whole_answer_is_counted(gateway: Gateway, client: Client) -> None:
    growth = Growth(client)
    answer = client.chat(max_tokens=5)
    read = answer.json()["usage"]["prompt_tokens"]
    line = line_of(gateway, answer.headers["x-request-id"])
    grown = growth()
    labels = 'model="tiny",target_kind="replica"'
    assert grown['penstock_requests_total{model="tiny",outcome="ok",surface="chat",target_kind="replica"}'] == 1
    assert grown['penstock_request_seconds_count{model="tiny",surface="chat",target_kind="replica"}'] == 1
    assert grown[f'penstock_tokens_total{{kind="input",{labels}}}'] == read
    assert grown[f'penstock_tokens_total{{kind="output",{labels}}}'] == 5
    assert grown['penstock_attempts_total{target="gpu-1",verdict="answered"}'] == 1
    assert grown['penstock_overhead_seconds_count{surface="chat"}'] == 1
    assert grown['penstock_saved_usd_total{model="tiny"}'] == pytest.approx((read * 1000 + 5 * 2000) / 1e6)
    assert f"penstock_first_token_seconds_count{{{labels}}}" not in grown
    assert set(line) == FIELDS
    assert (line["input_tokens"], line["output_tokens"], line["cost_usd"]) == (read, 5, 0.0)
    assert (line["model"], line["target"], line["attempts"], line["status"]) == ("tiny", "gpu-1", 1, 200)
    assert (line["surface"], line["caller"], line["function"], line["first_token_s"]) == ("chat", "anyone", None, None)


def test_a_stream_is_counted(gateway: Gateway, client: Client) -> None:
    growth = Growth(client)
    answer = client.chat(max_tokens=20, min_tokens=20, stream=True)
    line = line_of(gateway, answer.headers["x-request-id"])
    grown = growth()
    labels = 'model="tiny",target_kind="replica"'
    assert grown[f'penstock_tokens_total{{kind="output",{labels}}}'] == 20
    assert grown[f"penstock_first_token_seconds_count{{{labels}}}"] == 1
    assert grown[f"penstock_inter_token_seconds_count{{{labels}}}"] == 1
    assert 0 < line["first_token_s"] < line["seconds"]
    between = (line["seconds"] - line["first_token_s"]) / 19
    assert grown[f"penstock_inter_token_seconds_sum{{{labels}}}"] == pytest.approx(between, abs=1e-6)
    assert line["output_tokens"] == 20
    assert line["stream"] is True


def test_a_stream_that_breaks_is_estimated(gateway: Gateway, client: Client, replica: Simulator) -> None:
    growth = Growth(client)
    replica.fault("cut", after_events=5)
    answer = client.chat(max_tokens=20, min_tokens=20, stream=True)
    line_of(gateway, answer.headers["x-request-id"])
    grown = growth()
    assert grown['penstock_tokens_total{kind="output_estimated",model="tiny",target_kind="replica"}'] == 4  # and a role
    assert grown['penstock_requests_total{model="tiny",outcome="broken",surface="chat",target_kind="replica"}'] == 1


@pytest.mark.parametrize(
    ("fault", "outcome", "verdict"),
    [
        ({"status": 500}, "failed", "server_error"),
        ({"status": 429}, "busy", "busy"),
        ({"status": 400}, "refused", "refused"),
        ({"kind": "hang"}, "timeout", "timed_out"),
    ],
)
def test_a_failure_is_counted_by_its_kind(
    gateway: Gateway, client: Client, replica: Simulator, fault: Json, outcome: str, verdict: str
) -> None:
    growth = Growth(client)
    replica.fault(**{"kind": "status", **fault})
    answer = client.chat(stream=True)
    line = line_of(gateway, answer.headers["x-request-id"])
    grown = growth()
    assert line["outcome"] == outcome
    assert grown[f'penstock_requests_total{{model="tiny",outcome="{outcome}",surface="chat",target_kind="none"}}'] == 1
    assert grown[f'penstock_attempts_total{{target="gpu-1",verdict="{verdict}"}}'] == 1


def test_overhead_is_ours_alone(gateway: Gateway, client: Client, replica: Simulator) -> None:
    """The replica takes its time; that time is not counted as ours, and ours is counted."""
    growth = Growth(client)
    replica.fault("slow", seconds=0.3)
    for stream in (False, True):
        line_of(gateway, client.chat(stream=stream, max_tokens=2).headers["x-request-id"])
    grown = growth()
    assert grown['penstock_overhead_seconds_count{surface="chat"}'] == 2
    assert 0.00005 < grown['penstock_overhead_seconds_sum{surface="chat"}'] < 0.2


def test_what_clients_make_up_is_no_label(client: Client) -> None:
    before = set(client.samples())
    for number in range(20):
        client.chat(f"made-up-{number}")
        client.http.get(f"/v1/models/made-up-{number}")
        client.http.get(f"/made-up-{number}")
        client.http.post(f"/v1/functions/made-up-{number}", json={})
        client.http.post(f"/admin/targets/made-up-{number}/drain")
        client.chat(headers={"x-request-id": f"made-up-{number}"}, user=f"made-up-{number}", max_tokens=1)
    assert "made-up" not in client.http.get("/metrics").text
    growth = set(client.samples()) - before
    families = {re.sub(r"_(bucket|sum|count|created)?\{.*", "", name) for name in growth}
    assert len(growth) < 20 * len(families)
    refused = 'penstock_requests_total{model="other",outcome="refused",surface="chat",target_kind="none"}'
    assert client.samples()[refused] == 20


@pytest.mark.parametrize("stream", [False, True])
def test_no_prompt_no_reply_no_key_is_logged(
    gateway: Gateway, client: Client, replica: Simulator, stream: bool
) -> None:
    messages = [{"role": "user", "content": f"Say {SECRET}"}]
    headers = {"authorization": f"Bearer {SECRET}"}
    answers = [client.chat(messages=messages, headers=headers, stream=stream)]
    replica.fault("status", status=500, count=1)
    answers.append(client.chat(messages=messages, headers=headers, stream=stream))
    answers.append(client.chat(messages=[{"role": SECRET, "content": SECRET}], temperature=-1, stream=stream))
    path = "/v1/functions/ClassifyTicket" + ("/stream" if stream else "")
    bodies = ({"text": SECRET}, {"text": [SECRET]}, {SECRET: SECRET})
    answers += [client.http.post(path, json=body, headers=headers) for body in bodies]
    for answer in answers:
        line_of(gateway, answer.headers["x-request-id"])
    reply = answers[0].text
    words = re.findall(r'"content":" ?(\w{4,})', reply)
    told = str(gateway.lines)
    assert SECRET not in told
    assert not [word for word in words if f" {word} " in told]
    assert not gateway.stray


def test_the_states_of_targets(client: Client, replica: Simulator) -> None:
    samples = client.samples()
    assert samples['penstock_breaker_state{target="gpu-1"}'] == 0
    assert samples['penstock_target_up{target="gpu-1"}'] == 1
    assert samples['penstock_in_flight{target="gpu-1"}'] == 0
    assert samples["penstock_store_up"] == 1
    replica.fault("slow", factor=20)
    with client.streaming(max_tokens=100):
        assert client.samples()['penstock_in_flight{target="gpu-1"}'] == 1
