"""Where a drill's alerts arrive: keeps what Slack and the pager would have got. Runs alone, in a container.

GET tells all of it as JSON: for each message `at` (Unix time), `path` and `body`.
"""

from __future__ import annotations

import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT = 8080


class Receiver(BaseHTTPRequestHandler):
    got: list[dict[str, object]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.got.append({"at": time.time(), "path": self.path, "body": body})
        self._answer(b"ok")

    def do_GET(self) -> None:
        self._answer(json.dumps(self.got).encode())

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        """Nothing: what came can be asked for."""


if __name__ == "__main__":
    Receiver.got = []
    ThreadingHTTPServer(("0.0.0.0", PORT), Receiver).serve_forever()
