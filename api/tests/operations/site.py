"""A deployment that lacks nothing: what `scripts/readiness` passes, and what a test takes something from."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.gateway import Line, one_model
from tests.monitoring.receiver import Receiver
from tests.monitoring.watchers import Alertmanager, Prometheus
from tests.operations.stack import Stack
from tests.operations.verb import StackHost, Verb
from tests.pages import ROOT
from tests.servers import RedisServer, Simulator
from tests.talk import Client, until

SHOP, ADA = "sk-shop-of-the-site", "sk-ada-of-the-site"
SECRETS = {
    "api_keys": f"shop={SHOP}",
    "operator_keys": f"ada={ADA}",
    "openai_api_key": "sk-cloud-of-the-site",
    "huggingface_token": "",
    "grafana_password": "correct-horse-battery",
    "slack_url": "https://hooks.example.com/services/T0",
    "pager_url": "https://pager.example.com/in",
}
RATES = {"EDGE_KEY_RATE": "30", "EDGE_KEY_BURST": "60"}
BOARD = {"uid": "penstock-overview", "title": "Overview", "panels": []}


class FullStack(Stack):
    """Two slots a colour with keys, Redis and a cloud to fall back to, behind an edge with rates."""

    def __init__(self, folder: Path, redis: str) -> None:
        super().__init__(folder, slots=2, speed=20, **RATES)
        self.cloud = self.ends.enter_context(Simulator("--role", "cloud", "--model", "gpt-4o-mini", "--speed", "20"))
        self.redis = redis

    def _settings(self, version: str) -> Line:
        (model,) = super()._settings(version)["models"]
        (replica,) = model["replicas"]
        keys = {"api_keys": [SECRETS["api_keys"]], "operator_keys": [SECRETS["operator_keys"]]}
        quick = {"drain_delay_s": 1, "drain_s": 20}
        return one_model([replica["url"]], cloud=self.cloud.url, redis_url=self.redis, **keys, **quick)


class Site:
    """The stack, what watches it, and the project's files as `--dir` names them."""

    def __init__(self, stack: FullStack, prometheus: Prometheus, grafana: str, folder: Path) -> None:
        self.stack = stack
        self.prometheus = prometheus
        self.project = folder / "project"
        shutil.copytree(ROOT / "monitoring/prometheus/rules", self.project / "monitoring/prometheus/rules")
        self.board("overview", BOARD)
        self.secrets = folder / "secrets"
        self.secrets.mkdir(mode=0o700)
        for name, text in SECRETS.items():
            (self.secrets / name).write_text(text + "\n")
        self.told: dict[str, Any] = {
            "secrets": str(self.secrets),
            "grafana": grafana,
            "environments": {"edge": dict(RATES), "api-blue-1": {"PENSTOCK_API_KEYS_FILE": "/run/secrets/api_keys"}},
        }
        self.coverage = folder / "coverage.xml"
        self.coverage.write_text('<coverage line-rate="0.93"></coverage>')
        (folder / "host").mkdir()
        self.file = folder / "site.json"
        self.host = StackHost(stack, folder / "host")
        self.host.environment |= {"STACK_SITE": str(self.file), "PENSTOCK_PROMETHEUS": prometheus.url}
        config = stack.slots[stack.of["blue"][0]].told()["config"]
        self.host.environment["PENSTOCK_CONFIG"] = config  # where a smoke test beside an instance finds keys
        self.rolled_back()

    def board(self, name: str, board: Line) -> Path:
        path = self.project / f"monitoring/grafana/dashboards/{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(board))
        return path

    def rolled_back(self, days_ago: float = 1, outcome: str = "succeeded") -> None:
        """The audit tells of nothing else."""
        self.host.state.mkdir(exist_ok=True)
        when = (datetime.now(UTC) - timedelta(days=days_ago)).isoformat(timespec="seconds")
        line = {"when": when, "what": "rollback", "outcome": outcome}
        (self.host.state / "audit.jsonl").write_text(json.dumps(line) + "\n")

    def words(self, *words: str) -> tuple[str, ...]:
        edge = self.stack.edge
        where = ("--url", edge.url, "--plain-url", edge.plain, "--insecure", "--dir", str(self.project))
        return ("readiness", *where, "--coverage", str(self.coverage), "--load-seconds", "2", *words)

    def start(self, *words: str) -> Verb:
        self.file.write_text(json.dumps(self.told))
        return self.host.start(*self.words(*words))

    def check(self, *words: str) -> dict[str, Line]:
        """By their names, what was found."""
        verb = self.start("--json", *words).wait()
        found = {each.pop("name"): each for each in json.loads(verb.out)["checks"]}
        assert not any(text and text.rpartition("=")[2] in verb.text + verb.out for text in SECRETS.values())
        assert verb.code == int(any(each["verdict"] == "fail" for each in found.values())), verb.text
        return found

    def one(self, name: str, *words: str) -> tuple[str, str]:
        """The verdict of this check and what was seen."""
        (found,) = self.check("--only", name, *words).values()
        return found["verdict"], found["seen"]

    def as_new(self) -> None:
        """The stack is, and no instance remembers what failed."""
        self.stack.as_new()
        until(lambda: set(self.stack.of["blue"]) <= self.stack.edge.up(), 20)
        for client in self._operators():
            for name in client.targets():
                client.http.post(f"/admin/targets/{name}/breaker/reset").raise_for_status()

    def drained(self) -> bool:
        """Whether an instance has a replica that is drained."""
        cards = [card for client in self._operators() for card in client.targets().values()]
        return any(card["drained"] for card in cards)

    def _operators(self) -> Iterator[Client]:
        """Of each instance that serves."""
        for name in self.stack.of["blue"]:
            with Client(f"http://{name}", ADA) as client:
                yield client


@contextmanager
def speaking(path: str, told: Callable[[], str]) -> Iterator[str]:
    """A server that answers a GET there, and below it, with what is told now. Its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = told().encode()
            self.send_response(200 if self.path.startswith(path) else 404)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            """Nothing: a test looks at what came."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def full_site(folder: Path, prometheus: str, redis: RedisServer) -> Iterator[Site]:
    """All of it runs; Grafana and Redis's exporter are stood in for, since what they say is all that is asked."""
    for name in ("stack", "prometheus", "alertmanager", "site"):
        (folder / name).mkdir()
    with (
        FullStack(folder / "stack", redis.url) as stack,
        Receiver() as receiver,
        Alertmanager(folder / "alertmanager", receiver.url, by=0.001) as alertmanager,
        speaking("/api/search", lambda: json.dumps([{"uid": BOARD["uid"]}])) as grafana,
        speaking("/metrics", lambda: "redis_up 1\n") as exporter,
        Prometheus(
            prometheus,
            folder / "prometheus",
            {
                "api": [*stack.slots],
                "edge": [f"127.0.0.1:{stack.edge.ports['EDGE_METRICS_PORT']}"],
                "redis": [exporter.removeprefix("http://")],
                "alertmanager": [alertmanager.address],
            },
            alertmanager.address,
            by=1,
        ) as watching,
    ):
        yield Site(stack, watching, grafana, folder / "site")
