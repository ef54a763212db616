"""What a request costs, in instructions: it may not creep up unseen.

Instructions are counted in the gateway as users run it, and compared with those of a fixed piece of Python that is
counted in the same run. So neither the machine nor what else it does matters; the interpreter does, by a sixth.
A change that is worth its cost records the new figures here.
"""

import http.client
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from penstock.callers.caller import Key
from penstock.server import COMPILED

from tests.gateway import one_model
from tests.load.counted import Counted
from tests.servers import Simulator

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

RECORDED = {
    "compiled": {
        11: {"chat": 1.16, "stream": 4.4, "function": 2.1},
    },
    "as it stands": {
        11: {"chat": 2.38, "stream": 7.75, "function": 3.36},
    },
}
"""For Python 3.x, the instructions for one over those of a turn of the reference."""
OURS = RECORDED["compiled" if COMPILED else "as it stands"]
NEAREST = OURS[min(OURS, key=lambda minor: abs(minor - sys.version_info.minor))]
ALLOWED = 1.15
LIMITED = 1.13 if COMPILED else 1.25
"""What a caller's limits, budgets and turns may add, as a ratio within the run: 1.107 compiled, a seventh of a turn."""
PRICE = {"input_per_million_usd": 1.0, "output_per_million_usd": 2.0}
WARM, REFERENCE_TURNS = 20, 500
KEY = "sk-cost"
HEADERS = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
CHAT = {"model": "tiny", "messages": [{"role": "user", "content": "hello there " * 16}], "max_tokens": 64}
ASKED: dict[str, tuple[str, Any, int]] = {
    "chat": ("/v1/chat/completions", CHAT, 60),
    "stream": (
        "/v1/chat/completions",
        {**CHAT, "model": "paced", "stream": True, "ignore_eos": True, "max_tokens": 20},
        4,
    ),
    "function": ("/v1/functions/ClassifyTicket", {"text": "I was charged twice for March."}, 30),
}


CALM = """
import sys
from penstock import cli
from penstock.limits import limits, meter
from penstock.usage import tally
meter.HOLD_S = limits.TIDY_S = tally.EVERY_S = 3600.0
sys.exit(cli.main(sys.argv[1:]))
"""
"""Serves, and does but once an hour what is a matter of time and not of requests, which are slow here."""
LIMITS = {
    "requests_per_minute": 10**6,
    "tokens_per_minute": 10**9,
    "parallel": 100,
    "dollars_per_day": 10**4,
    "dollars_per_month": 10**5,
}


class Costs:
    """A gateway with everything on, and the reference, both counted."""

    def __init__(self, gateway: Counted, reference: Counted) -> None:
        self._gateway = gateway
        url = json.loads(gateway.wait_for('"listening"'))["url"]
        self._client = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
        reference.wait_for("ready")
        self._turn = reference.count(lambda: turns(reference)) / REFERENCE_TURNS

    def of(self, work: str) -> float:
        """What one of these costs, in turns of the reference."""
        path, body, count = ASKED[work]
        for _ in range(min(WARM, count)):
            self._ask(path, body)
        return self._gateway.count(lambda: [self._ask(path, body) for _ in range(count)]) / count / self._turn

    def close(self) -> None:
        self._client.close()

    def _ask(self, path: str, body: object) -> None:
        self._client.request("POST", path, json.dumps(body), HEADERS)
        response = self._client.getresponse()
        told = response.read()
        assert response.status == 200, told


def turns(reference: Counted) -> None:
    reference.say(str(REFERENCE_TURNS))
    reference.wait_for("done")


@pytest.fixture(scope="module")
def costs(require: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Costs]:
    valgrind, folder = require("valgrind"), tmp_path_factory.mktemp("cost")
    here = Path(__file__).parent
    with Simulator("--speed", "inf") as replica, Simulator("--speed", "0.5", "--model", "paced") as paced:
        settings = one_model([replica.url], cloud="http://127.0.0.1:9", api_keys=[f"cost={KEY}"])
        settings["models"] += one_model([paced.url], name="paced")["models"]  # each event is read by itself
        settings["watch"] = {"interval_s": 3600, "lookup_s": 3600}  # it is beside the road, and would be counted
        (folder / "penstock.yaml").write_text(yaml.safe_dump(settings))
        serve = ["-c", CALM, "serve", "--config", str(folder / "penstock.yaml"), "--port", "0"]
        with (
            Counted(valgrind, folder, *serve, env={"CLOUD_KEY": "sk-none"}) as gateway,
            Counted(valgrind, folder, str(here / "reference.py")) as reference,
            closing(Costs(gateway, reference)) as costs,
        ):
            yield costs


@pytest.fixture
def limited(require: Callable[[str], str], tmp_path: Path) -> Iterator[Costs]:
    """The same, of a caller with every limit, a budget for clouds, and turns."""
    valgrind, here = require("valgrind"), Path(__file__).parent
    callers = [{"name": "cost", "keys": [Key.of(KEY).model_dump(mode="json")], **LIMITS}]
    (tmp_path / "callers.yaml").write_text(yaml.safe_dump({"callers": callers}))
    with Simulator("--speed", "inf") as replica:
        model = {"price": PRICE, "queueing": {"parallel": 100}}
        settings = one_model([replica.url], cloud="http://127.0.0.1:9", model=model, watch={"interval_s": 3600})
        settings |= {"callers": str(tmp_path / "callers.yaml"), "fallback_budget": {"usd_per_day": 10}}
        (tmp_path / "penstock.yaml").write_text(yaml.safe_dump(settings))
        serve = ["-c", CALM, "serve", "--config", str(tmp_path / "penstock.yaml"), "--port", "0"]
        with (
            Counted(valgrind, tmp_path, *serve, env={"CLOUD_KEY": "sk-none"}) as gateway,
            Counted(valgrind, tmp_path, str(here / "reference.py")) as reference,
            closing(Costs(gateway, reference)) as costs,
        ):
            yield costs


@pytest.mark.parametrize("work", NEAREST)
def test_it_costs_no_more_than_recorded(
    costs: Costs, work: str, record_property: Callable[[str, object], None]
) -> None:
    cost = costs.of(work)
    record_property("cost", cost)
    print(f"{work}: {cost:.2f} turns of the reference, {NEAREST[work]:.2f} recorded")
    assert cost <= NEAREST[work] * ALLOWED


def test_limits_budgets_and_turns_cost_little(
    costs: Costs, limited: Costs, record_property: Callable[[str, object], None]
) -> None:
    ratio = limited.of("chat") / costs.of("chat")
    record_property("ratio", ratio)
    assert ratio <= LIMITED
