"""What scripts/deploy and the autoscalers set in a cluster, which no overlay may set back."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

from manifests.manifest import Manifest, name_of

KEPT = {("Deployment", "penstock-blue"), ("Deployment", "penstock-green"), ("HTTPRoute", "penstock")}
Get = Callable[[Manifest], Manifest | None]


def keeping(manifest: Manifest, get: Get) -> Manifest:
    """The manifest, with a colour's version and count and the route's weights as the cluster has them."""
    if name_of(manifest) not in KEPT:
        return manifest
    live = get(manifest)
    if live is None:
        return manifest
    kept = deepcopy(manifest)
    if manifest["kind"] == "HTTPRoute":
        kept["spec"]["rules"][0]["backendRefs"] = live["spec"]["rules"][0]["backendRefs"]
    else:
        kept["spec"]["replicas"] = live["spec"]["replicas"]
        _gateway(kept)["image"] = _gateway(live)["image"]
    return kept


def _gateway(deployment: Manifest) -> Manifest:
    containers = deployment["spec"]["template"]["spec"]["containers"]
    return next(each for each in containers if each["name"] == "api")
