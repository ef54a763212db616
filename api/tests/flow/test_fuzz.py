"""Headers and bodies of every kind, byte by byte: each gets an answer that is no failure of ours, and harms nobody."""

import contextlib
import json
import socket
from collections.abc import Iterator

import httptools
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.gateway import Gateway, one_model
from tests.servers import Simulator
from tests.talk import CHAT, HELLO, Client, dial, until

KEY = b"sk-fuzz-1"
TOLD = {100, 200, 204, 400, 401, 403, 404, 405, 408, 413, 415, 422, 431}
FIELDS = {"model": "tiny", "messages": HELLO, "max_tokens": 2}
SENT_ON = {"host", "user-agent", "content-type", "accept-encoding", "content-length", "x-request-id"}
SENT_ON |= {"x-penstock-timeout-ms", "traceparent", "tracestate"}

printable = st.binary(max_size=40).map(lambda raw: raw.translate(None, b"\r\n\0"))
names = st.sampled_from(
    "accept authorization connection content-encoding content-length content-type cookie expect host origin te trailer "
    "traceparent tracestate transfer-encoding upgrade via x-forwarded-for x-http-method-override x-request-id".split()
).map(str.encode) | st.from_regex(rb"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,20}", fullmatch=True)
values = printable | st.sampled_from(
    [b"Bearer " + KEY, b"application/json", b"0", b"5", b"-1", b"1e3", b"18446744073709551616", b"chunked",
     b"gzip, chunked", b"identity", b"100-continue", b"close", b"keep-alive, upgrade", b"h2c",
     b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01", b'{"a":1}', b"\xff\xfe", b"a" * 9000]
)  # fmt: skip
headers = st.lists(st.tuples(names, values), max_size=8)
methods = st.sampled_from(
    [b"GET", b"POST", b"POST", b"HEAD", b"OPTIONS", b"PUT", b"DELETE", b"PATCH", b"CONNECT", b"BREW"]
)
paths = st.sampled_from(
    [CHAT, "/v1/embeddings", "/v1/functions/ClassifyTicket/stream", "/v1/models", "/v1/models/tiny", "/admin/targets",
     "/admin/keys/callers/a/rotate", "/health/live", "/metrics", "/", "//", "*", "http://a/v1/models", "/v1/%00",
     "/%ff", "/?a=%zz#b"]
).map(str.encode)  # fmt: skip
values_in_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(max_size=8), inside, max_size=4),
    max_leaves=8,
)
members = st.sampled_from(
    [*FIELDS, "stream", "stream_options", "n", "tools", "response_format", "input", "prompt", "guided_json"]
)
bodies = st.binary(max_size=60) | st.dictionaries(members, values_in_json, max_size=4).map(
    lambda changes: json.dumps({**FIELDS, **changes}).encode()
)


@pytest.fixture(scope="module")
def replica() -> Iterator[Simulator]:
    with Simulator("--speed", "1000") as simulator:
        yield simulator


@pytest.fixture(scope="module")
def gateway(replica: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    told = one_model([replica.url], operator_keys=[f"ops={KEY.decode()}"], body_timeout_s=0.2)
    with Gateway(tmp_path_factory.mktemp("gateway"), told) as process:
        yield process


class Answers:
    """The responses on a connection, as a client's parser reads them."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.over = False
        self._parser = httptools.HttpResponseParser(self)

    def read(self, connection: socket.socket) -> None:
        while not self.over and (data := connection.recv(65536)):
            self._parser.feed_data(data)

    def on_headers_complete(self) -> None:
        self.statuses.append(self._parser.get_status_code())

    def on_message_complete(self) -> None:
        self.over = self._parser.get_status_code() >= 200


def asked(gateway: Gateway, raw: bytes, *, head: bool = False, patience: float = 20) -> list[int]:
    answers = Answers()
    with dial(gateway.url) as connection:
        connection.settimeout(patience)
        connection.sendall(raw)
        if head:  # its answer has no body, which the parser cannot know
            return [int(connection.recv(65536).split()[1])]
        with contextlib.suppress(TimeoutError if patience < 1 else ()):  # it may be half a request, which is waited for
            answers.read(connection)
    return answers.statuses


@settings(max_examples=150, derandomize=True, suppress_health_check=list(HealthCheck))
@given(method=methods, path=paths, told=headers, body=bodies, known=st.booleans(), counted=st.booleans())
@example(method=b"POST", path=CHAT.encode(), told=[(b"expect", b"100-continue")], body=b"{}", known=True, counted=True)
@example(method=b"POST", path=CHAT.encode(), told=[(b"content-length", b"9")], body=b"{}", known=True, counted=False)
@example(method=b"POST", path=CHAT.encode(), told=[(b"content-type", b"a/b")], body=b"{}", known=True, counted=True)
def test_whatever_is_sent_is_answered(
    gateway: Gateway,
    method: bytes,
    path: bytes,
    told: list[tuple[bytes, bytes]],
    body: bytes,
    known: bool,
    counted: bool,
) -> None:
    own = [(b"authorization", b"Bearer " + KEY), (b"content-type", b"application/json")] if known else []
    lines = [b"%b: %b" % pair for pair in (*own, *told)]
    lines += [b"content-length: %d" % len(body)] if counted else []
    raw = b"\r\n".join([b"%b %b HTTP/1.1" % (method, path), *lines, b"", body])
    statuses = asked(gateway, raw, head=method == b"HEAD")
    assert statuses or b"transfer-encoding" in dict(told), raw  # a body whose end nobody can tell ends in silence
    assert set(statuses) <= TOLD, (statuses, raw)


@settings(max_examples=60, derandomize=True)
@given(st.binary(max_size=200))
def test_bytes_that_are_no_http_are_answered_or_hung_up_on(gateway: Gateway, raw: bytes) -> None:
    assert set(asked(gateway, raw + b"\r\n\r\n\r\n\r\n", patience=0.5)) <= TOLD


def test_what_came_of_it(gateway: Gateway, replica: Simulator) -> None:
    """No bug, nothing beside the log, and of the headers that were made up none that went on."""
    with Client(gateway.url, KEY.decode()) as client:
        assert client.chat().status_code == 200
        assert client.in_flight() == 0
    assert [line for line in gateway.lines if line["event"] == "bug"] == []
    assert gateway.stray == []
    every = {200, 400, 401, 404, 405, 408, 415}
    until(lambda: {line["status"] for line in gateway.requests()} >= every)
    assert replica.state()["last"]["headers"].keys() <= SENT_ON
