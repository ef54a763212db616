"""What FastAPI's own routes raise comes out in the one shape, a bug of ours too."""

from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from penstock.surfaces.translate import EXCEPTION_HANDLERS
from tests.talk import code_of

SECRET = "sk-of-somebody"


@pytest.fixture
def client() -> TestClient:
    app = FastAPI(exception_handlers=EXCEPTION_HANDLERS)

    @app.post("/take")
    async def take(body: dict[str, int]) -> dict[str, int]:
        return body

    @app.get("/bug")
    async def bug() -> None:
        raise RuntimeError(SECRET)

    return TestClient(app, raise_server_exceptions=False)


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"\xf4\xc5", 400, "invalid_json"),
        (b"[" * 50_000, 400, "invalid_json"),
        (b"{", 400, "invalid_request"),
        (b'{"a": "b"}', 400, "invalid_request"),
        (b'{"a": 1}', 200, ""),
    ],
)
def test_a_body_that_cannot_be_read_is_the_client_s_doing(
    client: TestClient, content: bytes, status: int, code: str
) -> None:
    answer: Any = client.post("/take", content=content, headers={"content-type": "application/json"})
    assert answer.status_code == status
    assert not code or code_of(answer) == code


def test_a_bug_is_told_in_the_one_shape_and_without_its_words(client: TestClient) -> None:
    answer: Any = client.get("/bug")
    assert (answer.status_code, code_of(answer)) == (500, "internal_error")
    assert SECRET not in answer.text
