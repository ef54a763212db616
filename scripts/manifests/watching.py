"""What monitoring/ holds, as objects of a cluster: the same rules and dashboards as in compose, from the same files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import yaml

from manifests.manifest import Manifest

MONITORING = Path(__file__).parents[2] / "monitoring"


def watching(manifests: Iterable[Manifest]) -> Iterator[Manifest]:
    """Rules for Prometheus's operator and dashboards for Grafana's sidecar, labelled and placed as ServiceMonitors are.

    None where there is no ServiceMonitor: nothing is watched there.
    """
    monitor = next((each for each in manifests if each["kind"] == "ServiceMonitor"), None)
    if monitor is None:
        return
    labels, namespace = monitor["metadata"].get("labels", {}), monitor["metadata"]["namespace"]
    for path in sorted((MONITORING / "prometheus/rules").glob("*.yml")):
        yield {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "metadata": {"name": f"penstock-{path.stem}", "namespace": namespace, "labels": labels},
            "spec": yaml.safe_load(path.read_text()),
        }
    for path in sorted((MONITORING / "grafana/dashboards").glob("*.json")):
        yield {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": path.stem, "namespace": namespace, "labels": labels | {"grafana_dashboard": "1"}},
            "data": {path.name: path.read_text()},
        }
