"""A receiver of alerts: whatever is posted to it, by path."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from tests.talk import Json


class Receiver:
    """On a free port of the loopback. A context manager."""

    def __init__(self) -> None:
        self.posts: list[tuple[str, Json]] = []
        """Path and body, in the order of arrival."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.posts.append((self.path, json.loads(body)))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *words: object) -> None:
                """Nothing: a test looks at what came."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def pages(self, status: str = "firing") -> list[Json]:
        """What the pager got, one for each notification."""
        return [body for path, body in tuple(self.posts) if path == "/pager" and body["status"] == status]

    def paged(self, status: str = "firing") -> set[str]:
        """The names of the alerts that the pager got as firing or resolved."""
        alerts = [alert for _, body in tuple(self.posts) for alert in body.get("alerts", ())]
        return {alert["labels"]["alertname"] for alert in alerts if alert["status"] == status}

    def slack(self) -> list[str]:
        """What Slack got: title and text of each message."""
        said = [body["attachments"][0] for path, body in tuple(self.posts) if path == "/slack"]
        return [f"{each['title']}\n{each['text']}" for each in said]

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
