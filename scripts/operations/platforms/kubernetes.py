"""Kubernetes: a Deployment a colour, which replaces its pods itself, and an HTTPRoute that splits the requests."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

from operations.errors import CannotAsk, StepFailed, WrongUse
from operations.platform import Platform
from operations.shell import Shell
from operations.words import COLOURS, Colour, Picture, Shares, Unit, other

INSIDE = "http://127.0.0.1:8080"


class Kubernetes(Platform):
    """Deployments, Services and the container `api` are named as in `names`: penstock-blue, penstock-green."""

    name = "kubernetes"

    def __init__(self, shell: Shell, kubectl: list[str], name: str, image: str) -> None:
        self._shell = shell
        self._kubectl = kubectl
        self._name = name
        self._image = image

    def picture(self) -> Picture:
        try:
            deployments = [self._get("deployment", self._of(colour)) for colour in COLOURS]
            refs = self._get("httproute", self._name)["spec"]["rules"][0]["backendRefs"]
            weights = {ref["name"]: int(ref.get("weight", 1)) for ref in refs}
            units = tuple(_unit(colour, deployment) for colour, deployment in zip(COLOURS, deployments, strict=True))
        except (StepFailed, ValueError, KeyError, IndexError) as error:
            raise CannotAsk(f"the cluster does not tell what runs: {error}") from None
        return Picture({colour: weights.get(self._of(colour), 0) for colour in COLOURS}, units)

    def fetch(self, version: str) -> None:
        """The nodes pull it; one that cannot be pulled never gets ready, and the pods that serve stay."""

    def replace(self, unit: Unit, version: str) -> None:
        deployment = f"deployment/{unit.name}"
        self._act("set", "image", deployment, f"api={self._image}:{version}")
        if not unit.runs:
            replicas = self._get("deployment", self._of(other(unit.colour)))["spec"]["replicas"]
            self._act("scale", deployment, f"--replicas={replicas}")

    def stop(self, unit: Unit) -> None:
        self._act("scale", f"deployment/{unit.name}", "--replicas=0")

    def smoke(self, unit: Unit) -> None:
        self._act("exec", f"deployment/{unit.name}", "-c", "api", "--", "penstock", "smoke-test", "--url", INSIDE)

    def drain(self, unit: Unit, drained: bool) -> None:
        """Pods drain themselves when they are told to end, within their grace period."""

    def share(self, shares: Shares, *, force: bool = False) -> None:
        if not force:
            self._refuse_empty(shares)
        refs = [{"name": self._of(colour), "port": 8080, "weight": shares[colour]} for colour in COLOURS]
        patch = [{"op": "replace", "path": "/spec/rules/0/backendRefs", "value": refs}]
        self._act("patch", "httproute", self._name, "--type=json", "-p", json.dumps(patch))

    def scaling(self) -> str:
        told = json.loads(self._shell.look([*self._kubectl, "get", "hpa", "-o", "json"]))
        specs = {each["spec"]["scaleTargetRef"]["name"]: each["spec"] for each in told["items"]}
        ours = {name: specs[name] for name in map(self._of, COLOURS) if name in specs}
        return ", ".join(
            f"{name}: {each.get('minReplicas', 1)} to {each['maxReplicas']}" for name, each in ours.items()
        )

    def _refuse_empty(self, shares: Shares) -> None:
        picture = self.picture()
        empty = [colour for colour in COLOURS if shares[colour] and not any(unit.ready for unit in picture.of(colour))]
        if empty and not self._shell.dry:
            raise StepFailed(f"{', '.join(empty)} has no pod that is ready, and would get requests")

    def _of(self, colour: Colour) -> str:
        return f"{self._name}-{colour}"

    def _get(self, kind: str, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._shell.look([*self._kubectl, "get", kind, name, "-o", "json"]))
        return found

    def _act(self, *words: str) -> None:
        self._shell.act([*self._kubectl, *words], limit_s=180)


def _unit(colour: Colour, deployment: dict[str, Any]) -> Unit:
    """Ready when every pod is of the version asked for and none of another is left."""
    spec, status = deployment["spec"], deployment["status"]
    image = next(each["image"] for each in spec["template"]["spec"]["containers"] if each["name"] == "api")
    wanted = spec["replicas"]
    counts = {status.get(name, 0) for name in ("replicas", "updatedReplicas", "readyReplicas")}
    seen = status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
    version = image.rpartition(":")[2] if wanted else ""
    return Unit(deployment["metadata"]["name"], colour, version, ready=bool(wanted) and seen and counts == {wanted})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("kubernetes")
    group.add_argument("--context", help="kubectl's context")
    group.add_argument("--namespace", help="namespace")
    group.add_argument("--name", default="penstock", help="of the HTTPRoute; Deployments are NAME-blue, NAME-green")


def kubernetes(options: argparse.Namespace, shell: Shell, state: Path) -> Kubernetes:
    del state
    if "/" not in options.image and "PENSTOCK_IMAGE" not in os.environ:
        raise WrongUse("nodes pull from a registry: say --image REGISTRY/NAME")
    told = {"--context": options.context, "--namespace": options.namespace}
    flags = [f"{flag}={value}" for flag, value in told.items() if value]
    return Kubernetes(shell, ["kubectl", *flags, "--request-timeout=20s"], options.name, options.image)
