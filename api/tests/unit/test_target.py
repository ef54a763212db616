"""What a target is asked, and where."""

import pytest
from penstock.upstream.target import Kind
from tests.upstream import a_target


@pytest.mark.parametrize(
    ("kind", "url", "line"),
    [
        ("replica", "http://gpu-1:8000", b"POST /v1/chat/completions HTTP/1.1"),
        ("replica", "http://gpu-1:8000/v1", b"POST /v1/chat/completions HTTP/1.1"),
        ("replica", "http://gateway/pool-a", b"POST /pool-a/v1/chat/completions HTTP/1.1"),
        ("cloud", "https://api.openai.com/v1", b"POST /v1/chat/completions HTTP/1.1"),
        ("cloud", "https://cloud.example/v1beta/openai", b"POST /v1beta/openai/chat/completions HTTP/1.1"),
        ("cloud", "https://cloud.example", b"POST /chat/completions HTTP/1.1"),
    ],
)
def test_a_clouds_url_is_its_base_and_a_replicas_stands_before_v1(kind: Kind, url: str, line: bytes) -> None:
    head = a_target(kind=kind, url=url).head("/v1/chat/completions", 2, "req-1", 1.5, "")
    assert head.startswith(line + b"\r\n")
    assert head.endswith(b"\r\n\r\n")
    assert b"x-penstock-timeout-ms: 1500" in head
