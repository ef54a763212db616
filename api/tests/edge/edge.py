"""An edge of one's own: nginx as the image starts it, on free ports of the loopback."""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import httpx

from tests.pages import ROOT
from tests.servers import free_port
from tests.talk import Client, Json, until

ENTRYPOINT = ROOT / "infrastructure/nginx/entrypoint"
ROOMY = {"EDGE_KEY_RATE": "0", "EDGE_ADDRESS_RATE": "0", "EDGE_ADDRESS_OPEN": "4096", "EDGE_WORKERS": "2"}
"""A test comes from one address, which may not be what limits it."""


def trusting() -> ssl.SSLContext:
    """Takes any certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Edge:
    """Stands before the peers given by colour, `host:port` each. A context manager; what it keeps stays in `folder`."""

    def __init__(self, folder: Path, peers: Mapping[str, Sequence[str]], **settings: str) -> None:
        names = ("EDGE_HTTP_PORT", "EDGE_HTTPS_PORT", "EDGE_CONTROL_PORT", "EDGE_METRICS_PORT")
        self.ports = {name: free_port() for name in names}
        self.folders = {name: folder / name.lower() for name in ("TLS", "STATE", "ACME", "RUN")}
        for each in self.folders.values():
            each.mkdir(exist_ok=True)
        self._env = {
            **ROOMY,
            "EDGE_PEERS": " ".join(f"{colour}={','.join(hosts)}" for colour, hosts in peers.items()),
            "EDGE_LISTEN": "127.0.0.1",
            "EDGE_PUBLIC_PORT": str(self.ports["EDGE_HTTPS_PORT"]),
            **{f"EDGE_{name}_DIR": str(path) for name, path in self.folders.items()},
            **{name: str(port) for name, port in self.ports.items()},
            **settings,
        }
        self.lines: list[Json] = []
        """Its access log."""
        self.told: list[str] = []
        """What it said on standard error."""
        self.start()

    @property
    def port(self) -> int:
        return self.ports["EDGE_HTTPS_PORT"]

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def plain(self) -> str:
        return f"http://127.0.0.1:{self.ports['EDGE_HTTP_PORT']}"

    @property
    def metrics(self) -> str:
        return f"http://127.0.0.1:{self.ports['EDGE_METRICS_PORT']}"

    def start(self) -> None:
        """Returns as soon as it answers and has looked at every peer once."""
        self.process = subprocess.Popen(
            [str(ENTRYPOINT)],
            env={**os.environ, **self._env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._readers = [threading.Thread(target=read, daemon=True) for read in (self._read_log, self._read_errors)]
        for reader in self._readers:
            reader.start()
        control = f"http://127.0.0.1:{self.ports['EDGE_CONTROL_PORT']}"
        self._control = httpx.Client(base_url=control, headers={"connection": "close"}, trust_env=False)
        try:
            until(self._looked, 20)
        except BaseException:
            self.stop()
            raise

    def _looked(self) -> bool:
        assert self.process.poll() is None, self.told
        try:
            return all(peer["up"] or self.said(f"{peer['name']} is down") for peer in self.peers().values())
        except httpx.TransportError:
            return False

    def said(self, words: str) -> bool:
        return any(words in line for line in tuple(self.told))

    def state(self) -> Json:
        state: Json = self._control.get("/edge").json()
        return state

    def peers(self) -> dict[str, Json]:
        """By name."""
        return {peer["name"]: peer for peer in self.state()["peers"]}

    def up(self) -> set[str]:
        return {name for name, peer in self.peers().items() if peer["up"]}

    def put(self, path: str, body: Any) -> httpx.Response:
        return self._control.put(f"/edge{path}", content=body if isinstance(body, str) else json.dumps(body))

    def shares(self, **shares: int) -> None:
        answer = self.put("/shares", shares)
        assert answer.status_code == 200, answer.text

    def client(self, key: str = "") -> Client:
        return Client(self.url, key)

    def samples(self) -> dict[str, float]:
        """Its metrics: `name{labels}` to value."""
        with Client(self.metrics) as client:
            return client.samples()

    def wait_for(self, wanted: Callable[[Json], bool]) -> Json:
        """The first line of the access log like this."""
        return until(lambda: next((line for line in tuple(self.lines) if wanted(line)), None) or {})

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        self._control.close()
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.wait(20)
        for reader in self._readers:
            reader.join(5)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        if self.process.returncode is None:
            self.stop()

    def _read_log(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(json.loads(line) for line in self.process.stdout)

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        self.told.extend(self.process.stderr)
