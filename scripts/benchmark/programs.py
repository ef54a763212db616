"""The programs under test: how each is started over a back end, asked, and named with its version."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import yaml

from benchmark import replies
from benchmark.backends import Bench, nginx
from benchmark.process import Process, free_port

KEY = "sk-bench-0123456789abcdef"
CHAT = "/v1/chat/completions"
PORTKEY = "node_modules/@portkey-ai/gateway"
PENSTOCK_VERSION = """
import penstock.server
print(penstock.__version__ + (", compiled" if penstock.server.COMPILED else ", not compiled"))
"""
BAML = "import sys, baml_py; sys.argv[0] = 'baml-cli'; baml_py.invoke_runtime_cli()"


@dataclass(frozen=True)
class Command:
    """How a program is started over a back end."""

    words: list[str]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None


@dataclass(frozen=True)
class Program:
    """A program of the bench. `functions` is the path of typed functions, if it has them."""

    name: str
    command: Callable[[Bench, str, int], Command]
    version: Callable[[Bench], str]
    functions: str = ""
    chats: bool = True
    headers: Callable[[str], Mapping[str, str]] = lambda backend: {}


@dataclass(frozen=True)
class Running:
    """A program that answers, or the back end itself (then there is no `pid`)."""

    name: str
    port: int
    pid: int | None
    headers: Mapping[str, str]
    functions: str = ""
    chats: bool = True


@contextmanager
def started(program: Program, bench: Bench, backend: str) -> Iterator[Running]:
    """The program over this back end, once it has answered. RuntimeError or OSError if it does not start."""
    port = free_port()
    command = program.command(bench, backend, port)
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json", **program.headers(backend)}
    with Process(command.words, bench.cores.program, bench.folder, command.env, command.cwd) as process:
        running = Running(program.name, port, process.pid, headers, program.functions, program.chats)
        process.wait_until(lambda: _answers(running), 90)
        yield running


def _answers(running: Running) -> bool:
    path, body = (CHAT, replies.chat()) if running.chats else (f"{running.functions}/ClassifyTicket", replies.ticket())
    url = f"http://127.0.0.1:{running.port}{path}"
    try:
        return httpx.post(url, content=body, headers=running.headers, timeout=5, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


# Each program's command


def _penstock(bench: Bench, backend: str, port: int) -> Command:
    """As it is in use: keys, metrics, breaker, retries, a cloud behind the pool, prices, and the log in a file."""
    model = {
        "name": replies.MODEL,
        "replicas": [{"url": backend}],
        "fallback": [{"cloud": "openai", "model": "gpt-4o-mini"}],
        "price": {"input_per_million_usd": 0.15, "output_per_million_usd": 0.6},
    }
    clouds = {"openai": {"base_url": "http://127.0.0.1:9/v1", "api_key_env": "BENCH_CLOUD_KEY"}}
    config = bench.folder / f"penstock-{port}.yaml"
    config.write_text(yaml.safe_dump({"models": [model], "clouds": clouds, "api_keys": [f"bench={KEY}"]}))
    words = [sys.executable, "-m", "penstock.cli", "serve", "--config", str(config), "--port", str(port)]
    return Command(words, {"BENCH_CLOUD_KEY": "sk-none"})


def _nginx(bench: Bench, backend: str, port: int) -> Command:
    inside = f"""
  upstream backend {{ server {backend.removeprefix("http://")}; keepalive 1024; }}
  server {{
    listen 127.0.0.1:{port} backlog=2048;
    location / {{
      proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;
    }}
  }}"""
    return Command(nginx(bench, port, inside))


def _router(name: str, *verb: str) -> Callable[[Bench, str, int], Command]:
    def command(bench: Bench, backend: str, port: int) -> Command:
        program = [str(bench.peers / name / "bin" / name), *verb]
        where = ["--worker-urls", backend, "--host", "127.0.0.1", "--port", str(port), "--policy", "round_robin"]
        metrics = ["--prometheus-host", "127.0.0.1", "--prometheus-port", str(free_port())]
        return Command([*program, *where, *metrics])

    return command


def _litellm(bench: Bench, backend: str, port: int) -> Command:
    target = {"model": f"hosted_vllm/{replies.MODEL}", "api_base": f"{backend}/v1", "api_key": "none"}
    config = bench.folder / f"litellm-{port}.yaml"
    config.write_text(yaml.safe_dump({"model_list": [{"model_name": replies.MODEL, "litellm_params": target}]}))
    words = [str(bench.peers / "litellm/bin/litellm"), "--config", str(config), "--host", "127.0.0.1"]
    env = {"LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true", "LITELLM_LOCAL_MODEL_COST_MAP": "true"}
    return Command([*words, "--port", str(port), "--num_workers", "1", "--telemetry", "False"], env)


def _portkey(bench: Bench, backend: str, port: int) -> Command:
    del backend  # every request names it
    server = bench.peers / "portkey" / PORTKEY / "build/start-server.js"
    words = ["node", str(server), "--headless", f"--port={port}"]
    return Command(words, {"TRUSTED_CUSTOM_HOSTS": "127.0.0.1"})


def _baml(bench: Bench, backend: str, port: int) -> Command:
    """The project's own functions, over this back end."""
    source = bench.folder / f"baml-{port}" / "baml_src"
    source.mkdir(parents=True)
    for path in (bench.root / "api/baml_src").iterdir():
        text = re.sub(r'base_url ".*"', f'base_url "{backend}/v1"', path.read_text())
        (source / path.name).write_text(text)
    words = [sys.executable, "-c", BAML, "serve", "--from", str(source), "--port", str(port)]
    return Command(words, {"BAML_LOG": "off", "OPENAI_API_KEY": "none"})


# Each program's version


def _said(*command: str) -> str:
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return (run.stdout + run.stderr).strip()


def _distribution(python: Path | str, name: str) -> str:
    return _said(str(python), "-c", f"import importlib.metadata as m; print(m.version({name!r}))")


def _installed(name: str, distribution: str) -> Callable[[Bench], str]:
    return lambda bench: _distribution(bench.peers / name / "bin/python", distribution)


def _node_package(bench: Bench) -> str:
    told: dict[str, str] = json.loads((bench.peers / "portkey" / PORTKEY / "package.json").read_text())
    return f"{told['version']} (Node {_said('node', '--version')})"


PENSTOCK = "penstock"
PROGRAMS = {
    program.name: program
    for program in (
        Program(
            PENSTOCK,
            _penstock,
            lambda bench: f"{_said(sys.executable, '-c', PENSTOCK_VERSION)}, Python {sys.version.split()[0]}",
            functions="/v1/functions",
        ),
        Program("nginx", _nginx, lambda bench: _said("nginx", "-v").rpartition("/")[2]),
        Program("vllm-router", _router("vllm-router"), _installed("vllm-router", "vllm-router")),
        Program("sglang-router", _router("sglang-router", "launch"), _installed("sglang-router", "sglang-router")),
        Program(
            "portkey",
            _portkey,
            _node_package,
            headers=lambda backend: {"x-portkey-provider": "openai", "x-portkey-custom-host": f"{backend}/v1"},
        ),
        Program("litellm", _litellm, _installed("litellm", "litellm")),
        Program(
            "baml-cli",
            _baml,
            lambda bench: _distribution(sys.executable, "baml-py"),
            functions="/call",
            chats=False,
        ),
    )
}
