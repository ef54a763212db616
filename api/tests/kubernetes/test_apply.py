"""An overlay is applied, and what `deploy` set in the cluster stays. kubectl renders; a stand-in plays the cluster."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.kubernetes.objects import Manifest, containers, named
from tests.operations import kubectl as stand_in
from tests.operations.verb import Host
from tests.pages import ROOT

CLUSTER = """#!/usr/bin/env bash
set -euo pipefail
words=("${{@:2}}") # without the context
case ${{words[0]}} in
  kustomize) exec {kubectl} "${{words[@]}}" ;;
  get) file={folder}/${{words[1]%%.*}}-${{words[2]}}; [[ ! -e $file ]] || cat "$file" ;;
  apply) echo "$*" >{folder}/words; cat >{folder}/applied ;;
esac
"""


class Cluster:
    def __init__(self, folder: Path, kubectl: str) -> None:
        self._folder = folder
        program = folder / "bin/kubectl"
        program.parent.mkdir()
        program.write_text(CLUSTER.format(kubectl=kubectl, folder=folder))
        program.chmod(0o755)

    def has(self, manifest: Manifest) -> None:
        (self._folder / f"{manifest['kind']}-{manifest['metadata']['name']}").write_text(json.dumps(manifest))

    def apply(self, overlay: str) -> list[Manifest]:
        """What it was told to have."""
        subprocess.run(
            [sys.executable, "-m", "manifests", "apply", overlay, "--context=ours"],
            cwd=ROOT / "scripts",
            env={**os.environ, "PATH": f"{self._folder}/bin:{os.environ['PATH']}"},
            check=True,
        )
        words = (self._folder / "words").read_text()
        assert words.startswith("--context=ours apply --server-side --field-manager=penstock --force-conflicts")
        return list(yaml.safe_load_all((self._folder / "applied").read_text()))


@pytest.fixture
def cluster(tmp_path: Path, require: Callable[[str], str]) -> Cluster:
    return Cluster(tmp_path, require("kubectl"))


def test_a_new_cluster_gets_what_is_rendered(cluster: Cluster, rendered: Mapping[str, list[Any]]) -> None:
    assert cluster.apply("production") == rendered["production"]


def test_versions_counts_and_weights_stay_as_deploy_set_them(
    cluster: Cluster, rendered: Mapping[str, list[Any]]
) -> None:
    before = rendered["production"]
    green = json.loads(json.dumps(named(before, "Deployment", "penstock-green")))
    green["spec"]["replicas"] = 7
    green["spec"]["template"]["spec"]["containers"][0]["image"] = "registry/penstock-api:1.3.0"
    green["spec"]["template"]["spec"]["containers"][0]["resources"] = {}
    route = json.loads(json.dumps(named(before, "HTTPRoute", "penstock")))
    for ref, weight in zip(route["spec"]["rules"][0]["backendRefs"], (0, 100), strict=True):
        ref["weight"] = weight
    route["spec"]["rules"][0]["timeouts"] = {}
    for each in (green, route):
        cluster.has(each)

    applied = cluster.apply("production")
    after = named(applied, "Deployment", "penstock-green")
    assert after["spec"]["replicas"] == 7
    assert dict(containers([after]))["penstock-green/api"]["image"] == "registry/penstock-api:1.3.0"
    assert dict(containers([after]))["penstock-green/api"]["resources"]  # the rest is the overlay's
    (rule,) = named(applied, "HTTPRoute", "penstock")["spec"]["rules"]
    assert [ref["weight"] for ref in rule["backendRefs"]] == [0, 100]
    assert rule["timeouts"]["request"] == "130s"
    assert named(applied, "Deployment", "penstock-blue") == named(before, "Deployment", "penstock-blue")


def test_deploy_finds_what_it_needs_in_what_is_applied(
    tmp_path: Path, rendered: Mapping[str, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The verbs of scripts/operations, on the overlay's own objects."""
    before = rendered["production"]
    state = {
        f"deployment/penstock-{colour}": named(before, "Deployment", f"penstock-{colour}")
        for colour in ("blue", "green")
    } | {"httproute/penstock": named(before, "HTTPRoute", "penstock")}
    for deployment in state.values():
        deployment["metadata"]["generation"] = 1
    file = tmp_path / "cluster.json"
    file.write_text(json.dumps(state))
    program = tmp_path / "kubectl"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {stand_in.__file__} "$@"\n')
    program.chmod(0o755)
    image = "registry.example.com/acme/penstock-api"
    settings = {"PENSTOCK_PLATFORM": "kubernetes", "PENSTOCK_IMAGE": image, "KUBECTL_STATE": str(file)}
    host = Host(tmp_path, tmp_path / ".deploy", PATH=f"{tmp_path}:{os.environ['PATH']}", **settings)
    done = host.run("deploy", "blue-green", "--version", "0.2.0", "--watch", "0", "--namespace", "penstock")
    assert done.code == 0, done.text
    after = json.loads(file.read_text())
    refs = after["httproute/penstock"]["spec"]["rules"][0]["backendRefs"]
    assert {ref["name"]: ref["weight"] for ref in refs} == {"penstock-blue": 0, "penstock-green": 100}
    assert dict(containers([after["deployment/penstock-green"]]))["penstock-green/api"]["image"] == f"{image}:0.2.0"
