"""Installing the peers, each into an environment of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

PYPI = {"vllm-router": "vllm-router", "sglang-router": "sglang-router", "litellm": "litellm[proxy]"}
NPM = {"portkey": "@portkey-ai/gateway"}


def install(peers: Path) -> int:
    """Install what is not there. One that cannot be installed is named; the others are installed all the same."""
    failed = []
    for name in (*PYPI, *NPM):
        folder = peers / name
        if (folder / "installed").exists():
            print(f"{name}: installed in {folder}")
            continue
        print(f"{name}: installing", flush=True)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            _pip(folder, PYPI[name]) if name in PYPI else _npm(folder, NPM[name])
        except (OSError, subprocess.CalledProcessError) as error:
            failed.append(name)
            print(f"{name}: cannot be installed: {error}", file=sys.stderr)
        else:
            (folder / "installed").touch()
    return 1 if failed else 0


def _pip(folder: Path, package: str) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    pip = [str(folder / "bin/python"), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "install", package], check=True)


def _npm(folder: Path, package: str) -> None:
    npm = shutil.which("npm") or "npm"
    quiet = ["--no-audit", "--no-fund", "--ignore-scripts", "--silent"]
    subprocess.run([npm, "install", *quiet, "--prefix", str(folder), package], check=True)
