"""A real vLLM goes on with the trace that the gateway tells it, and does not trace what is not sampled."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from vllm_cpu import Replica

from tests.collector import Collector
from tests.gateway import Gateway, one_model
from tests.talk import Client, until

pytestmark = [pytest.mark.real, pytest.mark.timeout(400)]

TRACE, OTHER, PARENT = "0af7651916cd43dd8448eb211c80319c", "1bf7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def clients(
    replicas: tuple[Replica, Replica], collector: Collector, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Client, Client]]:
    """Of a gateway over the replica that traces, and of one over the replica that does not."""
    with ExitStack() as ends:
        pair = []
        for replica in replicas:
            told = {"endpoint": collector.url, "ratio": 0, "every_s": 0.1}
            settings = one_model([replica.url], name="words", traces=told)
            gateway = ends.enter_context(Gateway(tmp_path_factory.mktemp("traces"), settings))
            pair.append(ends.enter_context(Client(gateway.url)))
        yield pair[0], pair[1]


def test_its_span_stands_under_the_attempt_s(clients: tuple[Client, Client], collector: Collector) -> None:
    unsampled = clients[0].chat("words", headers={"traceparent": f"00-{OTHER}-{PARENT}-00"})
    root = clients[0].chat("words")
    answer = clients[0].chat("words", headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
    assert {each.status_code for each in (unsampled, root, answer)} == {200}
    found = until(
        lambda: [each for each in collector.spans if (each.trace_id, each.name) == (TRACE, "llm_request")], 60
    )
    (attempt,) = until(
        lambda: [each for each in collector.spans if (each.trace_id, each.kind) == (TRACE, "client")], 60
    )
    assert [each.parent_id for each in found] == [attempt.span_id]
    assert found[0].told["gen_ai.usage.completion_tokens"] == attempt.told["gen_ai.usage.output_tokens"]
    assert found[0].told["gen_ai.request.id"].endswith(answer.headers["x-request-id"])
    assert all(each.trace_id != OTHER for each in collector.spans)
    told = " ".join(str(each.told.get("gen_ai.request.id")) for each in collector.spans)
    assert root.headers["x-request-id"] not in told


def test_one_that_does_not_trace_takes_the_header(clients: tuple[Client, Client]) -> None:
    assert clients[1].chat("words", headers={"traceparent": f"00-{'1' * 32}-{PARENT}-01"}).status_code == 200
