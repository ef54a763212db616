"""What a drill is made of: pages are read as they stand, and nothing is broken that does not call itself a drill."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from drills import table
from drills.blocks import run
from drills.drill import Times
from drills.page import Page
from drills.watchers import Prometheus, Receiver

from tests.pages import ROOT
from tests.talk import Json

PAGE = Page(
    "Sick",
    "# Sick\n\n## Diagnose\n\nLook:\n\n```bash\n# not a heading\necho one\n```\n\n```text\n## not one either\n```\n\n"
    "```bash\necho two\n```\n\n## Remedy\n\n### Compose\n\n```bash\nexit 3\n```\n",
)
RULES = [
    {"type": "recording", "name": "a:b:rate5m", "query": "rate(b[1m30s]) + last_over_time(c[1d])"},
    {"type": "alerting", "name": "Sick", "query": "a:b:rate5m > 1 and d[20s] > 0", "duration": 5.0},
]


class Fake(BaseHTTPRequestHandler):
    """Answers as Prometheus and a receiver do, from `told`."""

    told: dict[str, Json]

    def do_GET(self) -> None:
        body = json.dumps(self.told.get(self.path, [])).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        """Nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    config = "global:\n  scrape_interval: 1s\n  external_labels:\n    environment: production\n"
    Fake.told = {
        "/api/v1/status/config": {"data": {"yaml": config}},
        "/api/v1/rules": {"data": {"groups": [{"interval": 2, "rules": RULES}]}},
    }
    with ThreadingHTTPServer(("127.0.0.1", 0), Fake) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def drill(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([ROOT / "scripts/drill", *words], capture_output=True, text=True, check=False, timeout=60)


def test_a_page_is_read_as_it_stands() -> None:
    assert PAGE.headings == ["Diagnose", "Remedy", "Compose"]
    assert PAGE.blocks("Diagnose") == ["# not a heading\necho one\n", "echo two\n"]
    assert PAGE.blocks("Diagnose", "text") == ["## not one either\n"]
    assert run(PAGE.script("Diagnose"), {}).out == "one\ntwo\n"
    assert run(PAGE.script("Compose"), {}).code == 3


def test_commands_stop_at_the_first_that_fails_and_at_the_limit() -> None:
    assert run("false\necho no", {}).out == ""
    assert run("false | cat\necho no", {}).code == 1
    assert run("exec sleep 60", {}, limit_s=0.2).code == 124


@pytest.mark.parametrize(("called", "sure"), [("production", True), ("", True), ("drill", True), ("staging", False)])
def test_what_is_not_staging_or_not_said_to_be_is_not_touched(called: str, sure: bool, url: str) -> None:
    label = f"    environment: {called}\n" if called else "    grafana: x\n"
    Fake.told["/api/v1/status/config"] = {"data": {"yaml": f"global:\n  external_labels:\n{label}"}}
    done = drill("ReplicaDown", "--target", url, *(["--yes-this-is-staging"] if sure else []))
    assert (done.returncode, done.stdout) == (64, "")
    assert ("--yes-this-is-staging" if called == "staging" else "environment: staging") in done.stderr


def test_a_page_that_is_not_there_cannot_be_drilled() -> None:
    done = drill("NoSuchAlert")
    assert done.returncode == 64
    assert "NoSuchAlert" in done.stderr
    assert "ReplicaDown" in drill("--list").stdout.split()


def test_what_is_stated_is_the_hold_and_the_longest_range_with_what_lies_on_the_way(url: str) -> None:
    assert Prometheus(url).stated_s("Sick") == 5 + 90 + 2 * 2 + 1 + 3


def test_a_receiver_is_told_of_an_alert_and_then_that_it_is_over(url: str) -> None:
    def message(at: float, *lines: str) -> Json:
        return {"at": at, "path": "/slack", "body": {"attachments": [{"title": "t", "text": "\n".join(lines)}]}}

    now, receiver = time.time(), Receiver(url)
    fires = message(now, "it is ill", "docs/runbook/Sick.md http://x", "")
    over = message(now + 1, "over: it is ill", "docs/runbook/Sick.md http://x", "a", "docs/runbook/Other.md http://x")
    Fake.told["/"] = [fires, message(now, "b", "docs/runbook/Sicker.md http://x")]
    assert receiver.told("Sick", now)
    assert not receiver.told("Sick", now + 1)
    assert not receiver.told_over("Sick", now)
    Fake.told["/"] = [fires, over]
    assert receiver.told_over("Sick", now)
    assert not receiver.told_over("Other", now)


def test_times_go_into_their_rows_and_leave_the_others(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    before, after = f"# R\n\n{table.HEADING}\n\nText.\n\n", "\n## Next\n\n| a | b |\n|---|---|\n| [B](B.md) | x |\n"
    page.write_text(f"{before}{table.HEAD}| [B](B.md) | 1 s |\n{after}")
    table.write(page, [Times("C", 7.0, 4.25, 5.5, 3.0, 3.1), Times("A", recovered=9.0)])
    rows = [
        "| [A](A.md) | - | - | - | 9.0 s | - |",
        "| [B](B.md) | 1 s |",
        "| [C](C.md) | 7.0 s | 4.2 s | 5.5 s | 3.0 s | 3.1 s |",
    ]
    assert page.read_text() == before + table.HEAD + "\n".join(rows) + "\n" + after
