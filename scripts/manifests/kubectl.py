"""kubectl, which renders without a cluster and speaks to one."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

from manifests.manifest import Manifest


class KubectlFailed(Exception):
    """It said why itself, on standard error."""


@dataclass(frozen=True, slots=True)
class Kubectl:
    context: str | None = None

    def kustomize(self, folder: Path) -> list[Manifest]:
        """Raises KubectlFailed."""
        return [each for each in yaml.safe_load_all(self._run("kustomize", str(folder))) if each]

    def get(self, manifest: Manifest) -> Manifest | None:
        """What the cluster has of this name, or None. Raises KubectlFailed."""
        kind = f"{manifest['kind']}.{_group(manifest)}".rstrip(".")
        where = ("-n", manifest["metadata"]["namespace"], "--ignore-not-found", "-o", "json")
        told = self._run("get", kind, manifest["metadata"]["name"], *where)
        found: Manifest | None = json.loads(told) if told.strip() else None
        return found

    def pipe(self, manifests: Iterable[Manifest], *words: str) -> int:
        """Its exit code, given the manifests on standard input."""
        command = [*self._command, *words, "-f", "-"]
        return subprocess.run(command, input=yaml.safe_dump_all(manifests), text=True, check=False).returncode

    @property
    def _command(self) -> list[str]:
        return ["kubectl", *([f"--context={self.context}"] if self.context else [])]

    def _run(self, *words: str) -> str:
        done = subprocess.run([*self._command, *words], stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            raise KubectlFailed(f"kubectl {' '.join(words)} failed")
        return done.stdout


def _group(manifest: Manifest) -> str:
    return str(manifest["apiVersion"].rpartition("/")[0])
