"""A real Prometheus, with the flags of the stack, keeps the trace that a histogram names."""

from collections.abc import Callable
from pathlib import Path

import yaml

from tests.collector import Collector
from tests.gateway import Gateway, one_model
from tests.monitoring.watchers import Watcher
from tests.pages import ROOT
from tests.servers import Simulator
from tests.talk import Client, Json, until

TRACE = "0af7651916cd43dd8448eb211c80319c"


def test_a_histogram_leads_to_the_trace(require: Callable[[str], str], tmp_path: Path) -> None:
    stack = yaml.safe_load((ROOT / "docker-compose.prod.yml").read_text())
    (feature,) = [word for word in stack["services"]["prometheus"]["command"] if "exemplar" in word]
    with Simulator("--speed", "100") as replica, Collector() as collector:
        settings = one_model([replica.url], traces={"endpoint": collector.url, "ratio": 0})
        with Gateway(tmp_path, settings) as gateway, Client(gateway.url) as client:
            jobs = [{"job_name": "api", "static_configs": [{"targets": [gateway.url.removeprefix("http://")]}]}]
            config = tmp_path / "prometheus.yml"
            config.write_text(yaml.safe_dump({"global": {"scrape_interval": "1s"}, "scrape_configs": jobs}))
            flags = [f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'data'}", feature]
            with Watcher(tmp_path, require("prometheus"), *flags) as prometheus:
                client.chat(stream=True, headers={"traceparent": f"00-{TRACE}-{'1' * 16}-01"})

                def found(name: str) -> list[Json]:
                    asked = {"query": f"penstock_{name}_bucket", "start": "0", "end": "4102444800"}
                    series: list[Json] = prometheus.get("/api/v1/query_exemplars", **asked)["data"]
                    return [each for one in series for each in one["exemplars"]]

                for name in ("request_seconds", "first_token_seconds"):
                    (exemplar,) = until(lambda name=name: found(name), 60)  # type: ignore[misc]
                    assert exemplar["labels"] == {"trace_id": TRACE}
