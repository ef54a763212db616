#!/usr/bin/env python3
"""A stand-in for kubectl: Deployments and an HTTPRoute in a file. There is no API server where these tests run.

A Deployment is at once as it was asked to be, unless the tag of its image is `never`.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

FILE = Path(os.environ.get("KUBECTL_STATE", "unset"))


def deployment(name: str, image: str, replicas: int) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "generation": 1},
        "spec": {"replicas": replicas, "template": {"spec": {"containers": [{"name": "api", "image": image}]}}},
        "status": {},
    }


def begin() -> None:
    """Blue runs version 1 and gets everything."""
    refs = [
        {"name": "penstock-blue", "port": 8080, "weight": 100},
        {"name": "penstock-green", "port": 8080, "weight": 0},
    ]
    state = {
        "deployment/penstock-blue": deployment("penstock-blue", "registry/penstock:1", 3),
        "deployment/penstock-green": deployment("penstock-green", "registry/penstock:0", 0),
        "httproute/penstock": {"spec": {"rules": [{"backendRefs": refs}]}},
    }
    FILE.write_text(json.dumps(state))


def main(words: list[str]) -> None:
    state = json.loads(FILE.read_text())
    words = [word for word in words if not word.startswith(("--request-timeout", "--namespace", "--context"))]
    match words:
        case ["get", kind, name, "-o", "json"]:
            found = state[f"{kind}/{name}"]
            print(json.dumps(found | {"status": status(found)} if kind == "deployment" else found))
        case ["get", "hpa", "-o", "json"]:
            print(json.dumps(state.get("hpa", {"items": []})))
        case ["set", "image", name, change]:
            container, _, image = change.partition("=")
            (one,) = state[name]["spec"]["template"]["spec"]["containers"]
            assert one["name"] == container
            one["image"] = image
            state[name]["metadata"]["generation"] += 1
        case ["scale", name, flag]:
            state[name]["spec"]["replicas"] = int(flag.removeprefix("--replicas="))
        case ["patch", "httproute", name, "--type=json", "-p", patch]:
            (one,) = json.loads(patch)
            assert (one["op"], one["path"]) == ("replace", "/spec/rules/0/backendRefs")
            state[f"httproute/{name}"]["spec"]["rules"][0]["backendRefs"] = one["value"]
        case ["exec", name, "-c", "api", "--", "penstock", "smoke-test", "--url", _]:
            assert state[name]["spec"]["replicas"]
        case _:
            sys.exit(f"unknown command: {words}")
    FILE.write_text(json.dumps(state))


def status(found: dict[str, Any]) -> dict[str, int]:
    replicas = found["spec"]["replicas"]
    (one,) = found["spec"]["template"]["spec"]["containers"]
    ready = 0 if one["image"].endswith(":never") else replicas
    generation = found["metadata"]["generation"]
    told = {"replicas": replicas, "updatedReplicas": ready, "readyReplicas": ready}
    return {"observedGeneration": generation} | {name: count for name, count in told.items() if count}


if __name__ == "__main__":
    main(sys.argv[1:])
