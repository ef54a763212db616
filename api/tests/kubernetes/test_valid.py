"""Every manifest is what Kubernetes and its operators take, field by field."""

import json
import subprocess
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.kubernetes.conftest import OVERLAYS
from tests.kubernetes.objects import Manifest, named
from tests.pages import ROOT, page

VERSIONS = ("1.37", "1.36", "1.35")
OPERATORS = ("external-secrets.io", "gateway.networking.k8s.io", "keda.sh", "monitoring.coreos.com")
ALL = (*OVERLAYS, "models")


def group(manifest: Manifest) -> str:
    return str(manifest["apiVersion"].rpartition("/")[0])


def strict(tools: Path, folder: Path, version: str, manifests: list[Manifest]) -> subprocess.CompletedProcess[str]:
    file = folder / "manifests.yaml"
    file.write_text(yaml.safe_dump_all(each for each in manifests if group(each) not in OPERATORS))
    command = [tools / "kubernetes-validate", "--strict", "--quiet", "-k", version, file]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)


def operators(manifests: list[Manifest]) -> subprocess.CompletedProcess[str]:
    theirs = json.dumps([each for each in manifests if group(each) in OPERATORS])
    command = [ROOT / "scripts/ci/operators/run"]
    return subprocess.run(command, input=theirs, stdout=subprocess.PIPE, text=True, check=False)


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_of_three_versions_takes_everything(
    rendered: Mapping[str, list[Any]], tools: Path, tmp_path: Path, version: str
) -> None:
    done = strict(tools, tmp_path, version, [each for name in ALL for each in rendered[name]])
    assert (done.returncode, done.stdout) == (0, "")


def test_the_page_tells_these_versions() -> None:
    *others, newest = sorted(VERSIONS)
    assert f"Kubernetes {', '.join(others)} and {newest}" in " ".join(page("docs/kubernetes.md").split())


def test_a_field_that_kubernetes_does_not_know_would_be_seen(
    rendered: Mapping[str, list[Any]], tools: Path, tmp_path: Path
) -> None:
    manifests = deepcopy(rendered["production"])
    named(manifests, "Deployment", "vllm")["spec"]["template"]["spec"]["nodeSelecter"] = {}
    done = strict(tools, tmp_path, VERSIONS[0], manifests)
    assert done.returncode != 0
    assert "nodeSelecter" in done.stdout


def test_the_operators_take_what_is_theirs(rendered: Mapping[str, list[Any]], require: Callable[[str], str]) -> None:
    require("npm")
    done = operators([each for name in ALL for each in rendered[name]])
    assert (done.returncode, done.stdout) == (0, "")


def test_a_field_that_an_operator_does_not_know_would_be_seen(
    rendered: Mapping[str, list[Any]], require: Callable[[str], str]
) -> None:
    require("npm")
    manifests = deepcopy(rendered["production"])
    named(manifests, "ScaledObject", "vllm")["spec"]["triggers"][0]["metricTyp"] = "Value"
    named(manifests, "Gateway", "penstock")["spec"]["listeners"][0]["port"] = "443"
    done = operators(manifests)
    assert done.returncode == 1
    assert "ScaledObject vllm: /spec/triggers/0/metricTyp: no schema knows it" in done.stdout
    assert "listeners/0/port must be integer" in done.stdout
