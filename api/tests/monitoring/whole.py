"""What Prometheus reads in the stack, as plain processes: two colours behind the edge, a pool, a cloud, exporters."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Self

import httpx

from tests.edge.edge import Edge
from tests.gateway import Gateway, Line
from tests.monitoring.receiver import Receiver
from tests.monitoring.watchers import Alertmanager, Prometheus
from tests.servers import RedisServer, Simulator, free_port
from tests.talk import until

NOBODY = "http://127.0.0.1:9"
"""A replica that is not there."""
KEYS = {"web": "sk-web", "batch": "sk-batch"}
COLOURS = {"blue": ("1.0.0", 2), "green": ("1.1.0", 1)}
"""The version of each, and how many slots."""
BY = 0.02
"""What holds a minute in production holds 1.2 seconds here."""


class Whole:
    """A context manager. Models: `chat` has two replicas and a cloud, `lent` the cloud alone, `lost` nobody."""

    def __init__(self, require: Callable[[str], str], folder: Path) -> None:
        self._require = require
        self._folder = folder
        self._ends = ExitStack()

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._ends.close()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._ends.close()

    def _start(self) -> None:
        enter = self._ends.enter_context
        flags = ("--model", "chat", "--speed", "4", "--max-num-seqs", "8", "--enable-prompt-tokens-details")
        self.replicas = [enter(Simulator(*flags)) for _ in range(2)]
        self.gpus = enter(Simulator("--role", "gpus", *(f"--gpu-of={replica.url}" for replica in self.replicas)))
        redis = RedisServer(self._require("redis-server"), self._made("redis"))
        redis.start()
        self._ends.callback(redis.kill)
        settings = self._settings(enter(Simulator("--role", "cloud", "--model", "gpt-4o-mini")).url, redis.url)
        slots = {
            colour: [self._gateway(f"{colour}-{slot}", settings, version) for slot in range(1, count + 1)]
            for colour, (version, count) in COLOURS.items()
        }
        self.edge = enter(Edge(self._made("edge"), slots))
        self.edge.shares(blue=60, green=40)
        self._watch(slots, redis.url)

    def _watch(self, slots: dict[str, list[str]], redis: str) -> None:
        control = f"http://127.0.0.1:{self.edge.ports['EDGE_CONTROL_PORT']}"
        self._receiver = self._ends.enter_context(Receiver())
        alertmanager = self._ends.enter_context(Alertmanager(self._made("alertmanager"), self._receiver.url, BY))
        self.jobs = {
            "api": [slot for names in slots.values() for slot in names],
            "vllm": [_address(replica.url) for replica in self.replicas],
            "edge": [_address(self.edge.metrics)],
            "nginx": [self._exporter("nginx", f"--nginx.scrape-uri={control}/status")],
            "redis": [self._exporter("redis", f"--redis.addr={redis}")],
            "node": [self._exporter("node")],
            "gpu": [_address(self.gpus.url)],
            "alertmanager": [alertmanager.address],
        }
        labels = {slot: {"colour": colour} for colour, names in slots.items() for slot in names}
        program, folder = self._require("prometheus"), self._made("prometheus")
        self.prometheus = self._ends.enter_context(
            Prometheus(program, folder, self.jobs, alertmanager.address, by=BY, labels=labels)
        )

    def _settings(self, cloud: str, redis: str) -> Line:
        beyond = {"fallback": [{"cloud": "openai", "model": "gpt-4o-mini"}]}
        price = {"price": {"input_per_million_usd": 150, "output_per_million_usd": 600}}
        replicas = [{"url": replica.url, "usd_per_hour": 1.006} for replica in self.replicas]
        pool = {"replicas": replicas}
        return {
            "api_keys": [f"{name}={key}" for name, key in KEYS.items()],
            "redis_url": redis,
            "drain_delay_s": 0,
            "fallback_budget": {"usd_per_day": 1000},
            "models": [
                {"name": "chat", **pool, **beyond, **price},
                {"name": "lent", "replicas": [{"url": NOBODY}], **beyond, **price},
                {"name": "lost", "replicas": [{"url": NOBODY}]},
            ],
            "clouds": {"openai": {"base_url": f"{cloud}/v1", "api_key_env": "CLOUD_KEY"}},
        }

    def _gateway(self, name: str, settings: Line, version: str) -> str:
        env = {"CLOUD_KEY": "sk-cloud", "PENSTOCK_VERSION": version}
        return _address(self._ends.enter_context(Gateway(self._made(name), settings, env=env)).url)

    def _exporter(self, of: str, *flags: str) -> str:
        """Its address, as soon as it answers."""
        address = f"127.0.0.1:{free_port()}"
        command = [self._require(f"prometheus-{of}-exporter"), f"--web.listen-address={address}", *flags]
        log = self._ends.enter_context((self._folder / f"{of}.log").open("wb"))
        process = subprocess.Popen(command, stdout=log, stderr=log)
        self._ends.callback(process.wait, 20)
        self._ends.callback(process.terminate)
        until(lambda: _answers(f"http://{address}/metrics"), 20)
        return address

    def _made(self, name: str) -> Path:
        folder = self._folder / name
        folder.mkdir()
        return folder


def _address(url: str) -> str:
    return url.removeprefix("http://")


def _answers(url: str) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(url, trust_env=False, timeout=10).status_code == 200
    return False
