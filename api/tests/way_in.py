"""The way in that a cloud has: it hands on what a pattern of its rule matches, and knows nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

import httpx

PASSED_ON = ("authorization", "content-type")


class WayIn:
    """Leads to the gateway at `url`; a `*` in a pattern is any text. A context manager."""

    def __init__(self, url: str, patterns: Iterable[str]) -> None:
        matched = tuple(patterns)

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if not any(fnmatchcase(self.path.partition("?")[0], each) for each in matched):
                    self.answer(404, "text/plain", b"Nothing is here.")
                    return
                body = self.rfile.read(int(self.headers.get("content-length", "0")))
                headers = {name: self.headers[name] for name in PASSED_ON if name in self.headers}
                told = httpx.request(self.command, url + self.path, content=body, headers=headers, timeout=60)
                self.answer(told.status_code, told.headers["content-type"], told.content)

            do_POST = do_GET  # noqa: N815

            def answer(self, status: int, kind: str, body: bytes) -> None:
                self.send_response(status)
                self.send_header("content-type", kind)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *words: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()
