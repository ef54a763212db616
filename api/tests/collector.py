"""A collector of traces of one's own: OTLP over HTTP, read with the protocol's own types."""

from __future__ import annotations

import base64
import gzip
import json
import threading
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2 as otlp

KINDS = {otlp.Span.SPAN_KIND_SERVER: "server", otlp.Span.SPAN_KIND_CLIENT: "client"}


@dataclass
class Span:
    """As the collector understood it. Times are in nanoseconds; `events` are times by name."""

    trace_id: str
    span_id: str
    parent_id: str
    state: str
    name: str
    kind: str
    bad: bool
    began: int
    ended: int
    told: dict[str, Any]
    events: dict[str, int]
    resource: dict[str, Any]


class Collector:
    """Takes what is posted to it, unless `status` says otherwise. A context manager.

    While `open` is not set it says nothing.
    """

    def __init__(self, port: int = 0) -> None:
        self.spans: list[Span] = []
        self.headers: list[dict[str, str]] = []
        self.status = 200
        self.open = threading.Event()
        self.open.set()
        self.asked = threading.Event()
        """A request has come in."""
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"

    def _handler(collector) -> type[BaseHTTPRequestHandler]:  # noqa: N805  # `self` is the handler's
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                assert self.path.endswith("/v1/traces")
                body = self.rfile.read(int(self.headers["content-length"]))
                collector.asked.set()
                collector.open.wait(30)
                if collector.status == 200:
                    collector.headers.append({name.lower(): value for name, value in self.headers.items()})
                    body = gzip.decompress(body) if self.headers["content-encoding"] == "gzip" else body
                    own = self.headers["content-type"] == "application/json"  # vLLM sends protobuf
                    collector.spans += read(body) if own else spans_in(ExportTraceServiceRequest.FromString(body))
                with suppress(ConnectionError):  # it had been left
                    self.send_response(collector.status)
                    self.send_header("content-type", "application/json")
                    self.end_headers()
                    self.wfile.write(b"{}")

            def log_message(self, *told: object) -> None:
                """Not on the terminal."""

        return Handler

    def of(self, request_id: str) -> tuple[Span, list[Span]]:
        """A request's span, and those of its attempts in their order."""
        (server,) = [each for each in self.spans if each.told.get("penstock.request_id") == request_id]
        return server, [each for each in self.spans if each.parent_id == server.span_id]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.open.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def read(body: bytes) -> list[Span]:
    """The spans in a request. Raises where it is not of the protocol: a name, a type, the length of an id."""
    return spans_in(ParseDict(_with_base64(json.loads(body)), ExportTraceServiceRequest()))


def spans_in(told: ExportTraceServiceRequest) -> list[Span]:
    return [
        _span(span, {each.key: _value(each) for each in of.resource.attributes})
        for of in told.resource_spans
        for scope in of.scope_spans
        for span in scope.spans
    ]


def _span(span: otlp.Span, resource: dict[str, Any]) -> Span:
    assert len(span.trace_id) == 16
    assert len(span.span_id) == 8
    assert len(span.parent_span_id) in (0, 8)
    return Span(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        state=span.trace_state,
        name=span.name,
        kind=KINDS.get(span.kind, "other"),
        bad=span.status.code == otlp.Status.STATUS_CODE_ERROR,
        began=span.start_time_unix_nano,
        ended=span.end_time_unix_nano,
        told={each.key: _value(each) for each in span.attributes},
        events={each.name: each.time_unix_nano for each in span.events},
        resource=resource,
    )


def _value(attribute: KeyValue) -> Any:
    return getattr(attribute.value, attribute.value.WhichOneof("value"))


def _with_base64(told: Any) -> Any:
    """OTLP's JSON has ids in hex, where JSON of protobuf has bytes in base64. It is the only thing that differs."""
    if isinstance(told, list):
        return [_with_base64(each) for each in told]
    if not isinstance(told, dict):
        return told
    return {
        name: base64.b64encode(bytes.fromhex(value)).decode()
        if name in ("traceId", "spanId", "parentSpanId")
        else _with_base64(value)
        for name, value in told.items()
    }
