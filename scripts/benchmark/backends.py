"""What stands behind the programs: nginx that answers at once, and a server that streams at a pace."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmark import replies
from benchmark.process import Cores, Process, free_port

NGINX = """
worker_processes 1;
daemon off;
pid {folder}/nginx-{port}.pid;
error_log {folder}/nginx-{port}.log warn;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  keepalive_requests 100000000;
  client_max_body_size 32m;
  client_body_buffer_size 1m;
  client_body_temp_path {folder}/body-{port};
  proxy_temp_path {folder}/proxy-{port};
  fastcgi_temp_path {folder}/fastcgi-{port};
  uwsgi_temp_path {folder}/uwsgi-{port};
  scgi_temp_path {folder}/scgi-{port};
  {inside}
}}
"""
INSTANT = """
  server {{
    listen 127.0.0.1:{port};
    default_type application/json;
    location / {{ return 200 '{reply}'; }}
    location = /health {{ return 200; }}
    location = /metrics {{ return 200 '{metrics}'; }}
    location = /v1/models {{ return 200 '{models}'; }}
  }}
"""


@dataclass(frozen=True)
class Bench:
    """Where things run."""

    root: Path
    """The project's."""
    folder: Path
    """For what lasts as long as the run."""
    peers: Path
    """Where the peers are installed."""
    cores: Cores


def answers(url: str) -> Callable[[], bool]:
    """Whether a GET is answered there."""

    def asked() -> bool:
        try:
            return httpx.get(url, timeout=2, trust_env=False).status_code < 500
        except httpx.HTTPError:
            return False

    return asked


def nginx(bench: Bench, port: int, inside: str) -> list[str]:
    """The command of an nginx with this in its `http` block."""
    config = bench.folder / f"nginx-{port}.conf"
    config.write_text(NGINX.format(folder=bench.folder, port=port, inside=inside))
    return ["nginx", "-c", str(config), "-e", str(bench.folder / f"nginx-{port}.log")]


def _instant(reply: str) -> Callable[[Bench, int], list[str]]:
    def command(bench: Bench, port: int) -> list[str]:
        quoted = reply.replace("\\", "\\\\")
        inside = INSTANT.format(port=port, reply=quoted, metrics=replies.METRICS, models=replies.MODELS)
        return nginx(bench, port, inside)

    return command


def _paced(bench: Bench, port: int) -> list[str]:
    del bench
    return [sys.executable, "-m", "benchmark.paced", str(port)]


BACKENDS: dict[str, Callable[[Bench, int], list[str]]] = {
    "instant": _instant(replies.SMALL),
    "typed": _instant(replies.TICKET),
    "paced": _paced,
}


@contextmanager
def backend(kind: str, bench: Bench) -> Iterator[str]:
    """A back end of this kind beside the load; its URL."""
    port = free_port()
    with Process(BACKENDS[kind](bench, port), bench.cores.backend, bench.folder) as process:
        process.wait_until(answers(f"http://127.0.0.1:{port}/health"), 10)
        yield f"http://127.0.0.1:{port}"
