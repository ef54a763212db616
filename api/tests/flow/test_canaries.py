"""Secrets stay where they were put: canaries in every place, hostile traffic, and then a search of all that was said.

What a target is sent of ours, and what a client is sent of a target's, are looked at byte by byte.
"""

import asyncio
import base64
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest
import redis
from penstock.app import create_app
from penstock.functions.environment import prepare_environment
from penstock.settings import load_settings
from tests.certificates import Authority
from tests.collector import Collector
from tests.figures import Figures
from tests.gateway import Gateway
from tests.servers import RedisServer
from tests.talk import CHAT, HELLO, Client, dial, everything, until
from tests.wire import CHUNKED, Peer, Wire, chunk, sized

CALLER, OPERATOR = "pk-CanaryCaller7f3a91", "sk-CanaryOperator5b27c4"
REPLICA, CLOUD = "sk-CanaryReplica8e61d0", "sk-CanaryCloud19aa35"
REDIS, COLLECTOR = "CanaryRedisPassword4c0d", "CanaryCollectorKey77e2"
GUESSED, COOKIE, QUERY = "sk-CanaryGuessed2f68b1", "CanaryCookie93c5", "sk-CanaryQuery0d4e8a"
PROMPT, ANSWER = "CanaryPrompt61b7 tells", "CanaryAnswer35d9 says"
THEIRS = "CanaryOfTheTarget58ac"
"""In headers and errors of a target, none of which are for its clients."""
SECRETS = (CALLER, OPERATOR, REPLICA, CLOUD, REDIS, COLLECTOR, GUESSED, COOKIE, QUERY, PROMPT, ANSWER, THEIRS)

MESSAGE = {"index": 0, "message": {"role": "assistant", "content": ANSWER}, "finish_reason": "stop"}
CHAT_REPLY = {"id": "1", "object": "chat.completion", "created": 1, "model": "tiny", "choices": [MESSAGE]}
LAST = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
FIRST = {"choices": [{"index": 0, "delta": {"content": ANSWER}, "finish_reason": None}]}
OWN_HEADERS = (
    b"set-cookie: session=" + THEIRS.encode(), b"server: " + THEIRS.encode(), b"x-internal: " + THEIRS.encode(),
    b"www-authenticate: " + THEIRS.encode(), b"location: http://" + THEIRS.encode(),
    b"access-control-allow-origin: " + THEIRS.encode(), b"x-request-id: " + THEIRS.encode(),
)  # fmt: skip


@dataclass
class Target:
    """Answers as its mode says, with headers of its own, and keeps every byte that it is sent."""

    mode: str = "fine"
    heard: list[bytes] = field(default_factory=list)

    async def script(self, peer: Peer) -> None:
        while True:
            head = await peer.head()
            length = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
            body = await peer._reader.readexactly(int(length or 0))
            self.heard.append(head + body)
            if head.startswith(b"GET"):
                await peer.send(sized(b"{}", *OWN_HEADERS))
            else:
                await self._answer(peer, head, b'"stream":true' in body)

    async def _answer(self, peer: Peer, head: bytes, stream: bool) -> None:
        echo = orjson.dumps({"error": {"message": f"You sent {head!r}", "type": THEIRS, "code": head.decode()[:9]}})
        match self.mode:
            case "400" | "401" | "500" as status:
                await peer.send(sized(echo, *OWN_HEADERS, status=status.encode() + b" " + THEIRS.encode()))
            case "garbage":
                await peer.send(head)
            case "cut":
                await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n" + echo)
                peer.reset()
            case "first event":
                refusal = echo.replace(b'"code":"POST /v1/"', b'"code":400')
                await peer.send(CHUNKED, chunk(b"data: " + refusal + b"\n\n"), chunk(b""))
            case "later event":
                events = b"data: " + orjson.dumps(FIRST) + b"\n\ndata: " + echo + b"\n\n"
                await peer.send(CHUNKED, chunk(events), chunk(b""))
            case _ if stream:
                events = b"".join(b"data: " + orjson.dumps(each) + b"\n\n" for each in (FIRST, LAST))
                await peer.send(CHUNKED[:-2] + b"\r\n".join(OWN_HEADERS) + b"\r\n\r\n", chunk(events), chunk(b""))
            case _:
                await peer.send(sized(orjson.dumps(CHAT_REPLY), *OWN_HEADERS))


BROKEN = """
import sys
from penstock.cli import main
from penstock.telemetry.tracing import Tracing

begin = Tracing.begin

def broken(self, headers):
    secret = headers[b"authorization"]
    if b"x-break" in headers:
        raise RuntimeError(f"{len(secret)} bytes") from LookupError("deep inside")
    return begin(self, headers)

Tracing.begin = broken
sys.exit(main())
"""


class Broken(Gateway):
    """A gateway with a bug, for those who ask for it."""

    program = ("-c", BROKEN)


@dataclass
class Place:
    """Where the secrets are planted: the settings, and the environment."""

    settings: dict[str, Any]
    env: dict[str, str]
    secrets: tuple[str, ...]


def planted(folder: Path, ports: tuple[int, int], redis_url: str, collector: str, authority: Authority) -> Place:
    """Half of them in files, half in the environment."""
    certificate, key = authority.sign("penstock")
    files = {
        "PENSTOCK_API_KEYS": f"shop={CALLER}",
        "PENSTOCK_REDIS_URL": redis_url.replace("://", f"://:{REDIS}@"),
        "CLOUD_KEY": CLOUD,
    }
    env = {"PENSTOCK_OPERATOR_KEYS": f"ops={OPERATOR}", "VLLM_KEY": REPLICA, "PYTHONFAULTHANDLER": "1"}
    for name, value in files.items():
        (folder / name).write_text(value)
        env[f"{name}_FILE"] = str(folder / name)
    env["PENSTOCK_TRACES__HEADERS"] = f"authorization=Bearer {COLLECTOR}"
    one = {"url": f"http://127.0.0.1:{ports[0]}", "id": "gpu-1", "api_key_env": "VLLM_KEY"}
    tls = {"ca": str(authority.certificate), "certificate": str(certificate), "key": str(key)}
    away = {"url": "https://127.0.0.1:9", "id": "gpu-2", "api_key_env": "VLLM_KEY", "tls": tls, "weight": 0.01}
    settings: dict[str, Any] = {
        "models": [{"name": "tiny", "replicas": [one, away], "fallback": [{"cloud": "cloud", "model": "gpt"}]}],
        "clouds": {"cloud": {"base_url": f"http://127.0.0.1:{ports[1]}/v1", "api_key_env": "CLOUD_KEY"}},
        "callers": "redis",
        "traces": {"endpoint": collector, "ratio": 1, "every_s": 0.05},
        "breaker": {"fail_max": 1000, "window_min": 1000},
        "status_page": "everyone",
        "usage_dir": str(folder / "usage"),
    }
    return Place(settings, env, (*SECRETS, key.read_text().splitlines()[2]))


@dataclass
class Heard:
    """Everything that was said, by where: each piece is searched, and a made-up secret must be found."""

    said: dict[str, list[str]] = field(default_factory=dict)

    def note(self, where: str, what: object) -> None:
        self.said.setdefault(where, []).append(what if isinstance(what, str) else repr(what))

    def found(self, secrets: tuple[str, ...]) -> set[tuple[str, str]]:
        return {
            (secret, where)
            for secret in secrets
            for where, pieces in self.said.items()
            for spelled in spellings(secret)
            if any(spelled in piece for piece in pieces)
        }


def spellings(secret: str) -> tuple[str, ...]:
    raw = secret.encode()
    return secret, raw.hex(), base64.b64encode(raw).decode().rstrip("=")[:-2], "".join(reversed(secret))


HOSTILE: list[tuple[str, str, dict[str, str], Any]] = [
    ("POST", CHAT, {"authorization": f"Bearer {GUESSED}"}, {"model": "tiny", "messages": HELLO}),
    ("POST", CHAT, {"authorization": f"Basic {GUESSED}", "x-api-key": GUESSED, "api-key": GUESSED}, {}),
    ("POST", CHAT, {"authorization": f"Bearer {CALLER} x"}, {"model": "tiny"}),
    ("GET", f"/v1/models?api_key={QUERY}&key={QUERY}", {"authorization": f"Bearer {CALLER}"}, None),
    ("POST", f"{CHAT}?api_key={QUERY}", {"authorization": f"Bearer {CALLER}"}, {"model": 1, "messages": PROMPT}),
    ("POST", CHAT, {"authorization": f"Bearer {CALLER}", "content-type": GUESSED}, None),
    ("POST", "/v1/functions/ClassifyTicket", {"authorization": f"Bearer {CALLER}"}, {"text": [PROMPT], "key": QUERY}),
    ("GET", "/admin/targets", {"authorization": f"Bearer {CALLER}"}, None),
    ("POST", "/admin/targets", {"authorization": f"Bearer {OPERATOR}"}, {"model": "tiny", "url": f"http://{QUERY}@a"}),
    ("POST", "/admin/keys", {"authorization": f"Bearer {OPERATOR}"}, {"name": "x", "models": [{"key": QUERY}]}),
    ("GET", "/metrics", {"authorization": f"Bearer {OPERATOR}", "cookie": COOKIE}, None),
]
RAW = [
    f"POST {CHAT} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {CALLER}\r\ncontent-length: x\r\n\r\n",
    f"GET http://user:{GUESSED}@a/v1/models HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
    f"{GUESSED} / HTTP/1.1\r\n\r\n",
    f"POST {CHAT} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {CALLER}\r\n" + f"cookie: {COOKIE}\r\n" * 201 + "\r\n",
]
BODY = {"model": "tiny", "messages": [{"role": "user", "content": PROMPT}], "max_tokens": 4, "user": "u"}


class Drive:
    """Sends everything to one gateway, and notes what comes."""

    def __init__(self, gateway: Gateway, replica: Target, cloud: Target, heard: Heard) -> None:
        self._gateway, self._replica, self._cloud, self._heard = gateway, replica, cloud, heard
        self.answered: list[int] = []

    def fine(self) -> None:
        with Client(self._gateway.url, CALLER) as client:
            for stream in (False, True):
                answer = client.http.post(CHAT, json={**BODY, "stream": stream}, headers={"cookie": COOKIE})
                assert ANSWER in answer.text
                self._note("the answer's headers", answer.status_code, str(answer.headers))

    def buggy(self) -> None:
        with Client(self._gateway.url, CALLER) as client:
            answer = client.http.post(CHAT, json=BODY, headers={"x-break": "1", "cookie": COOKIE})
        self._note("the answer to a bug", answer.status_code, f"{answer.headers} {answer.text}")
        assert "deep inside" in self._gateway.wait_for(lambda line: line["event"] == "bug")["exception"]

    def failing(self) -> None:
        """Each way in which targets fail, alone and together."""
        modes = ["400", "401", "500", "garbage", "cut", "first event", "later event"]
        with Client(self._gateway.url, CALLER) as client:
            for replica, cloud in [*((mode, "fine") for mode in modes), *((mode, mode) for mode in modes)]:
                self._replica.mode, self._cloud.mode = replica, cloud
                for stream in (False, True):
                    answer = client.http.post(CHAT, json={**BODY, "stream": stream})
                    told = answer.text.replace(ANSWER, "")  # the answer is for its client
                    self._note(f"the caller, {replica} and {cloud}", answer.status_code, f"{answer.headers} {told}")
        self._replica.mode = self._cloud.mode = "fine"

    def hostile(self) -> None:
        with Client(self._gateway.url) as client:
            for method, path, headers, body in HOSTILE:
                answer = client.http.request(method, path, headers=headers, json=body)
                self._note(f"{method} {path[:20]}", answer.status_code, f"{answer.headers} {answer.text}")
        for raw in RAW:
            with dial(self._gateway.url) as connection:
                connection.sendall(raw.encode())
                answer_ = everything(connection).decode()
            self._note("what is not HTTP", int(answer_.split()[1]), answer_)

    def looks(self) -> None:
        """What operators and machines are shown."""
        with Client(self._gateway.url, OPERATOR) as client:
            made = client.http.post("/admin/keys", json={"name": "lab"})
            assert made.json()["key"].startswith("pk-")
            self.shown_once = str(made.json()["key"])
            for path in (
                "/admin/keys",
                "/admin/targets",
                "/admin/status",
                "/admin/usage",
                "/metrics",
                "/openapi.json",
                "/",
                "/v1/models",
            ):
                answer = client.http.get(path)
                self._note(path, answer.status_code, f"{answer.headers} {answer.text}")
            with client.http.stream("GET", "/status/events") as events:
                self._note("/status/events", events.status_code, next(events.iter_text()))

    def _note(self, where: str, status: int, what: str) -> None:
        self.answered.append(status)
        self._heard.note(where, what)


@pytest.fixture
def authority(require: Callable[[str], str], tmp_path: Path) -> Authority:
    return Authority(require("openssl"), tmp_path)


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as collector:
        yield collector


async def test_no_canary_is_seen_anywhere(
    redis_server: RedisServer, collector: Collector, authority: Authority, tmp_path: Path, figures: Figures
) -> None:
    replica, cloud, heard = Target(), Target(), Heard()
    async with Wire(replica.script) as one, Wire(cloud.script) as other:
        place = planted(tmp_path, (one.origin.port, other.origin.port), redis_server.url, collector.url, authority)
        statuses = await asyncio.to_thread(_drive, place, redis_server, replica, cloud, collector, heard, tmp_path)
    for name, command in {"check-config": ["check-config", "penstock.yaml"], "keys": ["keys", "list"]}.items():
        heard.note(f"penstock {name}", await asyncio.to_thread(_said, tmp_path, place, command))
    heard.note("a control", f"There is a {base64.b64encode(b'x-ControlCanary00').decode()} here")
    assert heard.found(("x-ControlCanary00",)) == {("x-ControlCanary00", "a control")}
    assert {200, 400, 401, 403, 415, 422, 431, 500, 502} <= set(statuses), sorted(set(statuses))
    assert heard.found(place.secrets) == set()
    _check_what_targets_were_sent(replica.heard, REPLICA)
    _check_what_targets_were_sent(cloud.heard, CLOUD)
    searched = sum(len(piece) for pieces in heard.said.values() for piece in pieces)
    figures(canaries=str(len(place.secrets)), answers=str(len(statuses)), characters_searched=f"{searched:,}")


def _drive(
    place: Place, server: RedisServer, replica: Target, cloud: Target, collector: Collector, heard: Heard, folder: Path
) -> list[int]:
    admin = redis.Redis.from_url(server.url)
    admin.config_set("requirepass", REDIS)
    with Broken(folder, place.settings, env=place.env) as gateway:
        drive = Drive(gateway, replica, cloud, heard)
        drive.looks()
        drive.fine()
        drive.buggy()
        drive.failing()
        drive.hostile()
        admin.config_set("requirepass", "another")
        admin.client_kill_filter(_type="normal", skipme=True)
        gateway.wait_for(lambda line: line["event"] == "store moved" and not line["up"])
        gateway.config.write_text(f"api_keys: [{GUESSED}]\noperator_keys: {{{QUERY}: 1}}\n")
        gateway.reload()
        gateway.wait_for(lambda line: line["event"] == "reload refused")
        until(lambda: len(collector.spans) > 40, 15)
        assert resource.prlimit(gateway.process.pid, resource.RLIMIT_CORE) == (0, 0), "a core would hold them all"
        gateway.process.send_signal(signal.SIGABRT)
        assert gateway.wait() == -signal.SIGABRT
        assert any("Fatal Python error: Aborted" in line for line in gateway.stray)
        assert drive.shown_once not in str((gateway.lines, gateway.stray, heard.said, collector.spans))
        heard.note("standard output and error", json.dumps(gateway.lines) + "".join(gateway.stray))
        heard.note("traces", collector.spans)
        for file in (folder / "usage").iterdir():
            heard.note("what is kept of usage", file.read_bytes().decode("latin-1"))
        assert any(COLLECTOR in str(headers) for headers in collector.headers)
        gateway.configure(place.settings)
    return drive.answered


def _said(folder: Path, place: Place, command: list[str]) -> str:
    """By a command beside the gateway, whatever becomes of it."""
    done = subprocess.run(
        [sys.executable, "-m", "penstock.cli", *command],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=folder,
        env={**os.environ, **place.env, "PENSTOCK_CALLERS": "redis"},
        check=False,
    )
    return done.stdout + done.stderr


def _check_what_targets_were_sent(heard: list[bytes], own: str) -> None:
    """Our key to it, and of the client only the body and an id."""
    everything_ = b"".join(heard)
    assert own.encode() in everything_
    for foreign in {CALLER, OPERATOR, REPLICA, CLOUD, REDIS, COLLECTOR, GUESSED, COOKIE, QUERY, THEIRS} - {own}:
        assert foreign.encode() not in everything_, foreign
    for each in heard:
        assert each.partition(b"\r\n\r\n")[2].count(own.encode()) == 0


def test_no_setting_and_no_part_shows_a_canary(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To whoever prints it, or has a tool that does."""
    place = planted(tmp_path, (1, 2), "redis://127.0.0.1:1/0", "http://127.0.0.1:4318", authority)
    for name, value in place.env.items():
        monkeypatch.setenv(name, value)
    config = tmp_path / "penstock.yaml"
    config.write_text(json.dumps(place.settings))
    settings = load_settings(config)
    prepare_environment(os.environ)
    instance = create_app(settings)
    parts = [value for each in (instance, instance.front, instance.roster) for value in members(each)]
    targets = [value for each in instance.roster.targets.values() for value in (each, *members(each))]
    shown = [settings, str(settings), settings.model_dump_json(), settings.model_dump(), instance, parts, targets]
    for what in map(repr, shown):
        assert [secret for secret in place.secrets for spelled in spellings(secret) if spelled in what] == []
    heads = [each.head("/v1/chat/completions", 1, "r", 1, "").decode() for each in instance.roster.targets.values()]
    assert all(any(secret in head for head in heads) for secret in (REPLICA, CLOUD)), "they were there to be shown"


def members(part: object) -> list[object]:
    """But for the request heads that are kept, which a key is a part of."""
    slots = [name for cls in type(part).__mro__ for name in getattr(cls, "__slots__", ())]
    names = [name for name in (*getattr(part, "__dict__", ()), *slots) if name != "_heads"]
    return [getattr(part, name, None) for name in names]
