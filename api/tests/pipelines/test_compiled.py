"""What is compiled does what its sources do: the unit tests hold of both."""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pages import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
PATHS = ("api", "vllm/simulator", "vllm/cpu", "vllm/serving", "scripts")
COMPILED = "from penstock.server import COMPILED; assert COMPILED"


def run(*words: str, env: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:]


def test_compiled_it_passes_the_unit_tests(require: Callable[[str], str], tmp_path: Path) -> None:
    require("cc")
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        pytest.skip("for want of Python's headers")
    for package in ("penstock", "baml_client"):
        shutil.copytree(ROOT / "api" / package, tmp_path / package)
    run("scripts/compile_hot.py", "--into", str(tmp_path))
    paths = [str(tmp_path), *(str(ROOT / path) for path in PATHS)]
    run("-c", COMPILED, env={"PYTHONPATH": os.pathsep.join(paths)})
    options = ("-q", "-p", "no:cacheprovider", "-o", f"pythonpath={' '.join(paths)}")
    run("-m", "pytest", *options, "-m", "not slow", "api/tests/unit")
