"""Programs that stand in for others and write down what they were asked, and a web server that does as it is told."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.pages import ROOT

STEPS = ROOT / "scripts/ci"


class Bin:
    """A folder of stand-ins. What they were asked stands in `calls`, one line each."""

    def __init__(self, folder: Path) -> None:
        self.path = folder
        self._log = folder / "calls"

    def add(self, name: str, body: str = "exit 0") -> None:
        program = self.path / name
        program.write_text(f'#!/usr/bin/env bash\necho "{name} $*" >>"{self._log}"\n{body}\n')
        program.chmod(0o755)

    @property
    def calls(self) -> list[str]:
        return self._log.read_text().splitlines() if self._log.exists() else []


class Web:
    """Answers with the statuses of `script` one after the other, the last one for ever, and keeps what it was sent."""

    def __init__(self, script: list[int]) -> None:
        web = self
        self.bodies: list[bytes] = []
        self.paths: list[str] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                web.bodies.append(self.rfile.read(int(self.headers["content-length"])))
                self.do_GET()

            def do_GET(self) -> None:
                web.paths.append(self.path)
                self.send_response(script.pop(0) if len(script) > 1 else script[0])
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @contextmanager
    def serving(self) -> Iterator["Web"]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()
