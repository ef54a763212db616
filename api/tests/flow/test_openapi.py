"""The OpenAPI document is held to: whatever clients send, fitting it or not, the answer is one that it has.

Requests are made up from the document by schemathesis, good ones and bad ones, and sent to a gateway over simulators.
`PENSTOCK_CASES` says how many for each route (12).
"""

import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.figures import Figures
from tests.gateway import Gateway, one_model
from tests.servers import Simulator

CASES = int(os.environ.get("PENSTOCK_CASES", "12"))
KEY = {"authorization": "Bearer sk-operator-1"}
NAMES = {"model": "tiny", "name": "gpu-1", "key": "0123456789ab"}
"""What is there, in the place of names that are made up."""
ENDLESS = "/status/events"
HELD = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("gateway")
    with (
        Simulator("--speed", "1000") as replica,
        Simulator("--role", "cloud", "--model", "gpt-4o-mini", "--speed", "1000") as cloud,
        Gateway(
            folder,
            one_model(
                [replica.url],
                cloud=cloud.url,
                operator_keys=["ops=sk-operator-1"],
                callers=str(folder / "callers.yaml"),
            ),
            env={"CLOUD_KEY": "sk-cloud"},
        ) as process,
    ):
        yield process


def with_names(case: Any, draw: Any) -> None:
    """Most requests name what is there, or all would end at the door."""
    places = [case.path_parameters, case.body if isinstance(case.body, dict) else None]
    for place in places:
        for name in (place or {}).keys() & NAMES.keys():
            if draw(st.integers(0, 3)):
                place[name] = NAMES[name]


def test_every_answer_is_one_that_the_document_has(gateway: Gateway, figures: Figures) -> None:
    schema = schemathesis.openapi.from_url(f"{gateway.url}/openapi.json")
    seen: Counter[int] = Counter()
    failed: dict[str, str] = {}
    routes = [found.ok() for found in schema.get_all_operations()]
    for route in routes:
        if route.path == ENDLESS:
            continue

        @settings(
            max_examples=CASES, derandomize=True, suppress_health_check=list(HealthCheck), report_multiple_bugs=False
        )
        @given(case=route.as_strategy() | route.as_strategy(generation_mode=GenerationMode.NEGATIVE), data=st.data())
        def held(case: Any, data: Any) -> None:
            with_names(case, data.draw)
            answer = case.call(headers=KEY, timeout=30)
            seen[answer.status_code] += 1
            case.validate_response(answer, checks=HELD)

        try:
            held()
        except BaseException as failure:  # noqa: BLE001  # whatever it is, it is told with all others
            failed[route.label] = f"{type(failure).__name__} {failure}"[:1500]
    figures(
        routes=str(len(routes)),
        cases=str(seen.total()),
        failures=str(len(failed)),
        statuses=str(dict(sorted(seen.items()))),
    )
    assert failed == {}
    assert {200, 400, 404, 422} <= seen.keys()
    assert [line for line in gateway.lines if line["event"] == "bug"] == []
    assert gateway.stray == []
