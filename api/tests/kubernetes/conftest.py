"""What each overlay comes to, rendered as people render it."""

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml

from tests.pages import ROOT

FOLDER = ROOT / "infrastructure/kubernetes"
OVERLAYS = ("local", "staging", "production")
Manifests = list[dict[str, object]]


@pytest.fixture(scope="session")
def rendered(require: Callable[[str], str]) -> Mapping[str, Manifests]:
    """By overlay; and `models`, the Job beside them."""
    require("kubectl")
    scripts = {"cwd": ROOT / "scripts", "stdout": subprocess.PIPE, "check": True}
    texts = {
        name: subprocess.run([sys.executable, "-m", "manifests", "render", name], **scripts).stdout for name in OVERLAYS
    }
    texts["models"] = subprocess.run(["kubectl", "kustomize", str(FOLDER / "models")], **scripts).stdout
    return {name: list(yaml.safe_load_all(text)) for name, text in texts.items()}


@pytest.fixture(scope="session")
def tools(require: Callable[[str], str]) -> Path:
    return Path(require("cloud-tools")) / "bin"
