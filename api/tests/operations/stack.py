"""What a deploy works on, without containers: real gateways in slots on fixed ports, behind a real edge."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import httpx

from tests.edge.edge import Edge
from tests.gateway import Gateway, Line, one_model
from tests.servers import Simulator, free_port

COLOURS = ("blue", "green")
NOBODY = "http://127.0.0.1:9"
"""A replica that is not there."""
FAULTS: dict[str, tuple[str, ...]] = {
    "errs": (),
    "slow": ("--fault", "slow,factor=3"),
    "cuts": ("--fault", "cut,after_events=2"),
}
"""Versions that misbehave, by what their replica does.

`unready` has no replica; `errs` and `crashes` do so as soon as `go_bad` says.
"""


class Slot:
    """A port, and the gateway that listens there, if any."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.name = f"127.0.0.1:{self.port}"
        self.version = ""
        self.gateway: Gateway | None = None
        self.lock = threading.Lock()
        self._folder = folder / str(self.port)
        self._folder.mkdir()

    def run(self, version: str, settings: Line) -> None:
        with self.lock:
            self._end()
            self.gateway = Gateway(self._folder, settings, "--port", str(self.port))
            self.version = version

    def end(self) -> None:
        with self.lock:
            self._end()

    def kill(self) -> None:
        """As it crashes."""
        with self.lock:
            if self.gateway is not None and self.gateway.process.poll() is None:
                self.gateway.kill()

    def _end(self) -> None:
        gateway, self.gateway, self.version = self.gateway, None, ""
        if gateway is not None and gateway.process.returncode is None:
            gateway.terminate()
            gateway.wait(60)
            gateway.__exit__()

    def told(self) -> dict[str, Any]:
        gateway = self.gateway
        alive = gateway is not None and gateway.process.poll() is None
        life = str(gateway.process.pid) if gateway is not None and alive else ""
        config = str(gateway.config) if gateway is not None else ""
        version = self.version if alive else ""
        return {"version": version, "life": life, "ready": alive and self._ready(), "config": config}

    def _ready(self) -> bool:
        try:
            return httpx.get(f"http://{self.name}/health/ready", timeout=1, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False


class Stack:
    """So many slots a colour; blue runs version `1` and serves. A context manager."""

    def __init__(self, folder: Path, *, slots: int = 2, speed: float = 4, **edge: str) -> None:
        """`edge` has settings of the edge's own."""
        self._folder = folder
        self._edge_settings = edge
        self._speed = speed
        self.ends = ExitStack()
        self.replicas: dict[str, Simulator] = {}
        self._lock = threading.Lock()
        self.slots = {slot.name: slot for slot in (Slot(folder) for _ in range(2 * slots))}
        names = list(self.slots)
        self.of = {"blue": names[:slots], "green": names[slots:]}
        self.replaced: list[tuple[str, str]] = []
        """What was asked for: slot and version; an empty one is a stop."""

    def run(self, name: str, version: str) -> None:
        self.replaced.append((name, version))
        self.slots[name].run(version, self._settings(version))

    def go_bad(self) -> None:
        """From now on every fifth request to `errs` fails, and `crashes` is gone."""
        if "errs" in self.replicas:
            self.replicas["errs"].fault("status", status=500, probability=0.2)
        for slot in self.slots.values():
            if slot.version == "crashes":
                slot.kill()

    def end(self, name: str) -> None:
        self.replaced.append((name, ""))
        self.slots[name].end()

    def versions(self) -> dict[str, list[str]]:
        """By colour, what really runs."""
        return {colour: [self.slots[name].told()["version"] for name in self.of[colour]] for colour in COLOURS}

    def shares(self) -> dict[str, int]:
        shares: dict[str, int] = self.edge.state()["shares"]
        return shares

    def drained(self) -> set[str]:
        return {peer["name"] for peer in self.edge.state()["peers"] if peer["drained"]}

    def as_new(self) -> None:
        """Blue with version 1 and all the traffic, green empty: whatever the test before left."""
        for name in self.of["blue"]:
            if self.slots[name].told()["version"] != "1":
                self.run(name, "1")
        for name in self.of["green"]:
            self.slots[name].end()
        for name in self.slots:
            assert self.edge.put(f"/peers/{name}", {"drained": False}).status_code == 200
        assert self.edge.put("/shares?force=1", {"blue": 100, "green": 0}).status_code == 200
        if "errs" in self.replicas:
            self.replicas["errs"].clear()
        self.replaced.clear()

    def environment(self) -> dict[str, str]:
        """What tells the platform where all this is."""
        ports = self.edge.ports
        return {
            "STACK_CONTROL": f"http://127.0.0.1:{self._server.server_port}",
            "STACK_EDGE": f"http://127.0.0.1:{ports['EDGE_CONTROL_PORT']}",
            "STACK_METRICS": f"http://127.0.0.1:{ports['EDGE_METRICS_PORT']}",
        }

    def _settings(self, version: str) -> Line:
        quick = {"drain_delay_s": 0, "drain_s": 20}
        if version == "unready":
            return {"replicas": [NOBODY], **quick}
        kind = version if version in FAULTS else "good"
        with self._lock:
            if kind not in self.replicas:
                flags = ("--speed", str(self._speed), "--max-num-seqs", "1024", *FAULTS.get(kind, ()))
                self.replicas[kind] = self.ends.enter_context(Simulator(*flags))
        return one_model([self.replicas[kind].url], **quick)

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop()

    def _start(self) -> None:
        for name in self.of["blue"]:
            self.run(name, "1")
        self.replaced.clear()
        self.edge = self.ends.enter_context(Edge(self._folder, self.of, **self._edge_settings))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.ends.callback(self._server.server_close)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.ends.callback(self._server.shutdown)

    def _stop(self) -> None:
        for slot in self.slots.values():
            slot.end()
        self.ends.close()


def _handler(stack: Stack) -> type[BaseHTTPRequestHandler]:
    """GET /slots tells of all, PUT /slots/NAME runs a version there, DELETE ends it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._say({name: slot.told() for name, slot in stack.slots.items()})

        def do_PUT(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            self._done(lambda name: stack.run(name, asked["version"]))

        def do_DELETE(self) -> None:
            self._done(stack.end)

        def _done(self, work: Callable[[str], None]) -> None:
            work(self.path.rpartition("/")[2])
            self._say({})

        def _say(self, told: dict[str, Any]) -> None:
            body = json.dumps(told).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it so
            """Nothing: pytest would show it."""

    return Handler
