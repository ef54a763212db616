"""Manifests, and the ways through them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

Manifest = dict[str, Any]


def of_kind(manifests: Iterable[Manifest], *kinds: str) -> list[Manifest]:
    return [each for each in manifests if each["kind"] in kinds]


def named(manifests: Iterable[Manifest], kind: str, name: str) -> Manifest:
    (one,) = (each for each in of_kind(manifests, kind) if each["metadata"]["name"] == name)
    return one


@dataclass(frozen=True)
class Pods:
    """What a workload makes."""

    name: str
    labels: dict[str, str]
    spec: Manifest

    @property
    def containers(self) -> list[Manifest]:
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]

    def chosen_by(self, labels: dict[str, str]) -> bool:
        return labels.items() <= self.labels.items()


def pods(manifests: Iterable[Manifest]) -> Iterator[Pods]:
    for each in of_kind(manifests, "Deployment", "Job"):
        template = each["spec"]["template"]
        yield Pods(each["metadata"]["name"], template["metadata"]["labels"], template["spec"])


def containers(manifests: Iterable[Manifest]) -> Iterator[tuple[str, Manifest]]:
    for each in pods(manifests):
        for container in each.containers:
            yield f"{each.name}/{container['name']}", container
