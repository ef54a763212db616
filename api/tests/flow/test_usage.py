"""What callers used: counted by key, model and day, told to operators, and there after everything was killed."""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from tests.gateway import Gateway, Line, one_model
from tests.servers import RedisServer, Simulator
from tests.talk import Client, Json, code_of, until

OPERATOR = "sk-operator"
KEYS = {"shop": "sk-shop", "lab": "sk-lab"}
PRICE = {"input_per_million_usd": 1000, "output_per_million_usd": 2000}
USAGE = "/admin/usage"


@pytest.fixture(scope="module")
def replica() -> Iterator[Simulator]:
    with Simulator("--speed", "100") as simulator:
        yield simulator


def settings(replica: Simulator, **more: object) -> Line:
    keys = [f"{name}={key}" for name, key in KEYS.items()]
    return one_model(
        [replica.url], model={"price": PRICE}, api_keys=keys, operator_keys=[f"ops={OPERATOR}"], drain_s=5, **more
    )


@pytest.fixture(scope="module")
def used(replica: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway by itself, of which shop asked two chats and lab a stream."""
    with Gateway(tmp_path_factory.mktemp("gateway"), settings(replica)) as gateway:
        for key, stream in (("shop", False), ("shop", False), ("lab", True)):
            with Client(gateway.url, KEYS[key]) as client:
                assert client.chat(stream=stream).status_code == 200
        until(lambda: usage(gateway)["total"]["requests"] == 3)
        yield gateway


def asked(gateway: Gateway, *, accept: str = "", **params: str) -> httpx.Response:
    with Client(gateway.url, OPERATOR) as operator:
        return operator.http.get(USAGE, params=params, headers={"accept": accept} if accept else None)


def usage(gateway: Gateway, **params: str) -> Json:
    answer = asked(gateway, **params)
    assert answer.status_code == 200, answer.text
    told: Json = answer.json()
    return told


def requests(gateway: Gateway) -> dict[str, int]:
    return {row["caller"]: row["requests"] for row in usage(gateway)["data"]}


def today() -> date:
    return datetime.now(UTC).date()


def test_rows_are_by_caller_with_tokens_and_dollars(used: Gateway, replica: Simulator) -> None:
    told = usage(used)
    assert [(row["caller"], row["model"], row["requests"]) for row in told["data"]] == [
        ("lab", "tiny", 1),
        ("shop", "tiny", 2),
    ]
    seen = replica.state()
    total = told["total"]
    assert (total["input_tokens"], total["output_tokens"]) == (seen["prompt_tokens"], seen["generation_tokens"])
    assert total["saved_usd"] == (seen["prompt_tokens"] + 2 * seen["generation_tokens"]) / 1000
    assert total["cost_usd"] == total["estimated_requests"] == total["estimated_output_tokens"] == 0
    assert told["to"] == told["data"][0]["day"] == today().isoformat()
    assert told["from"] == today().replace(day=1).isoformat()


def test_rows_can_be_chosen(used: Gateway) -> None:
    def chosen(**params: str) -> list[str]:
        return [row["caller"] for row in usage(used, **params)["data"]]

    yesterday = (today() - timedelta(days=1)).isoformat()
    assert chosen(caller="lab") == chosen(caller="lab", model="tiny") == ["lab"]
    assert chosen(model="other") == chosen(caller="nobody") == chosen(**{"from": yesterday, "to": yesterday}) == []
    assert usage(used, caller="shop")["total"]["requests"] == 2


def test_csv_says_the_same(used: Gateway) -> None:
    told = usage(used)["data"]
    for answer in (asked(used, format="csv"), asked(used, accept="text/csv")):
        assert answer.headers["content-type"].startswith("text/csv")
        rows = list(csv.DictReader(answer.text.splitlines()))
        assert [row["caller"] for row in rows] == ["lab", "shop"]
        for row, same in zip(rows, told, strict=True):
            assert {name: type(same[name])(value) for name, value in row.items()} == same
    assert asked(used, format="json", accept="text/csv").json()["data"] == told


@pytest.mark.parametrize(
    "params", [{"from": "2026-11-02", "to": "2026-11-01"}, {"from": "2025-01-01", "to": "2026-11-01"}, {"to": "soon"}]
)
def test_days_that_cannot_be_are_refused(used: Gateway, params: dict[str, str]) -> None:
    answer = asked(used, **params)
    assert (answer.status_code, code_of(answer)) == (400, "invalid_request")


@pytest.mark.parametrize(("key", "status"), [("", 401), (KEYS["shop"], 403)])
def test_only_operators_are_told(used: Gateway, key: str, status: int) -> None:
    with Client(used.url, key) as client:
        assert client.http.get(USAGE).status_code == status


def penstock(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "penstock.cli", "usage", *arguments]
    return subprocess.run(command, env={**os.environ, **env}, capture_output=True, text=True, timeout=60)


def test_the_command(used: Gateway) -> None:
    def shown(*arguments: str) -> str:
        ended = penstock("--url", used.url, *arguments, PENSTOCK_OPERATOR_KEY=OPERATOR)
        assert (ended.returncode, ended.stderr) == (0, "")
        return ended.stdout

    assert json.loads(shown("--json")) == usage(used)
    assert shown("--csv").splitlines() == asked(used, format="csv").text.splitlines()
    _, heads, lab, shop, total = (line.split() for line in shown().splitlines())
    assert heads[:3] == ["caller", "model", "requests"]
    assert [lab[:3], shop[:3], total[:2]] == [["lab", "tiny", "1"], ["shop", "tiny", "2"], ["all", "3"]]
    assert "shop" not in shown("--caller", "lab", "--from", today().isoformat())


def test_the_command_says_why_it_is_not_told(used: Gateway) -> None:
    for arguments in (("--url", used.url), ("--url", "http://127.0.0.1:9")):
        ended = penstock(*arguments, PENSTOCK_OPERATOR_KEY="sk-wrong")
        assert (ended.returncode, ended.stdout) == (1, "")
        assert ended.stderr.startswith("penstock usage: ")
        assert "Traceback" not in ended.stderr


@pytest.fixture
def keeping_redis(require: Callable[[str], str], tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(require("redis-server"), tmp_path, keeps=True)
    server.start()
    yield server
    server.kill()


def test_it_is_there_after_kills_and_a_redis_that_was_away(
    replica: Simulator, keeping_redis: RedisServer, tmp_path: Path
) -> None:
    ours = settings(replica, redis_url=keeping_redis.url, usage_dir=str(tmp_path / "usage"))

    def ask(gateway: Gateway, caller: str) -> None:
        with Client(gateway.url, KEYS[caller]) as client:
            assert client.chat().status_code == 200

    with Gateway(tmp_path, ours) as gateway:
        ask(gateway, "shop")
        until(lambda: requests(gateway) == {"shop": 1})
        ask(gateway, "lab")
        gateway.kill()
    with Gateway(tmp_path, ours) as gateway:
        until(lambda: requests(gateway) == {"shop": 1, "lab": 1})
        keeping_redis.kill()
        ask(gateway, "lab")
        answer = asked(gateway)
        assert (answer.status_code, code_of(answer)) == (503, "usage_unavailable")
        gateway.wait_for(lambda line: line["event"] == "usage moved" and not line["up"])
        with Client(gateway.url) as client:
            assert client.samples()["penstock_usage_waiting_requests"] == 1
        gateway.kill()
    with Gateway(tmp_path, ours) as gateway:
        ask(gateway, "shop")
        keeping_redis.start()
        until(lambda: counted(gateway) == {"shop": 2, "lab": 2}, 15)


def counted(gateway: Gateway) -> dict[str, int]:
    """Nothing while Redis does not answer yet."""
    return requests(gateway) if asked(gateway).status_code == 200 else {}


def test_what_was_counted_last_is_handed_over_at_the_end(
    replica: Simulator, redis_server: RedisServer, tmp_path: Path
) -> None:
    ours = settings(replica, redis_url=redis_server.url)
    with Gateway(tmp_path, ours) as gateway, Client(gateway.url, KEYS["lab"]) as client:
        assert client.chat().status_code == 200
    with Gateway(tmp_path, ours) as gateway:
        assert requests(gateway) == {"lab": 1}


def test_a_folder_without_redis_is_refused(replica: Simulator, tmp_path: Path) -> None:
    config = tmp_path / "penstock.yaml"
    config.write_text(f"usage_dir: {tmp_path}\n")
    command = [sys.executable, "-m", "penstock.cli", "check-config", str(config)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert "`usage_dir` needs Redis" in ended.stderr
