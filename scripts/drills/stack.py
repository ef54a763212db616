"""The drill's own stack: the laptop's, with alerts that come within seconds and a receiver that they reach."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from drills.errors import DrillFailed
from drills.page import ROOT

FILES = ("docker-compose.prod.yml", "infrastructure/compose/laptop.yml")
STAND_INS = "infrastructure/compose/stand-ins.yml"
DRILL = "infrastructure/compose/drill.yml"
SCALES = ("--by", "0.0001", "--windows", "0.004", "--shortest", "6", "--longest", "20")
"""Nearly all waits become a second; ranges of minutes become six, those of hours and days fourteen to twenty."""
DEFAULTS = {
    "COMPOSE_PROJECT_NAME": "penstock-drill",
    "PENSTOCK_HTTP_PORT": "8490",
    "PENSTOCK_HTTPS_PORT": "8493",
    "PENSTOCK_DRILL_PROMETHEUS_PORT": "9490",
    "PENSTOCK_DRILL_RECEIVER_PORT": "9491",
}
SIMULATORS = ("vllm-1:8000", "vllm-2:8000", "cloud:8000", "gpu-exporter:9400")
RECEIVER = "http://receiver:8080"
UP_S = 600


class Stack:
    """`env` is what the pages' commands are run with. `folder` holds all that is kept, the secrets too."""

    def __init__(self, environ: Mapping[str, str], folder: Path) -> None:
        files = [*FILES, *([STAND_INS] if environ.get("PENSTOCK_STAND_INS") else []), DRILL]
        self._folder = folder
        self.env = {
            **DEFAULTS,
            **environ,
            "COMPOSE_FILE": ":".join(files),
            "COMPOSE_ENV_FILES": f"{folder / '.env'},{folder / 'deploy/compose.env'}",
            "PENSTOCK_DRILL": str(folder),
            "PENSTOCK_SECRETS": str(folder / "secrets"),
            "PENSTOCK_STATE": str(folder / "deploy"),
        }
        self.env["EDGE"] = f"https://127.0.0.1:{self.env['PENSTOCK_HTTPS_PORT']}"
        self.prometheus = f"http://127.0.0.1:{self.env['PENSTOCK_DRILL_PROMETHEUS_PORT']}"
        self.receiver = f"http://127.0.0.1:{self.env['PENSTOCK_DRILL_RECEIVER_PORT']}"

    def up(self) -> None:
        """Built and healthy, however it stood before."""
        self._configure()
        if self.env.get("PENSTOCK_STAND_INS"):
            self._run("scripts/base-images")
        self._run("docker", "compose", "build")
        self._run("docker", "compose", "rm", "--stop", "--force", "prometheus", "alertmanager")  # their files changed
        self.put_back()

    def put_back(self) -> None:
        """As it came up: what was stopped is started, what has other flags is made anew, no fault is set."""
        self._configure()
        self._run("docker", "compose", "up", "--detach", "--no-build", "--wait", "--remove-orphans")
        curl = ("docker", "compose", "exec", "-T", "edge", "curl", "-fsS", "-X", "DELETE")
        self._run(*curl, *(f"http://{place}/sim/fault" for place in SIMULATORS))

    def down(self) -> None:
        self._configure()
        self._run("docker", "compose", "--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "3")
        shutil.rmtree(self._folder)

    def with_keys(self) -> dict[str, str]:
        """`env`, with an operator's key and a client's. Raises DrillFailed where the stack was never up."""
        keys = {"PENSTOCK_KEY": "api_keys", "PENSTOCK_OPERATOR_KEY": "operator_keys"}
        try:
            return {**self.env, **{name: self._key(file) for name, file in keys.items()}}
        except OSError:
            raise DrillFailed("there is no stack to drill: scripts/drill --up") from None

    def _key(self, file: str) -> str:
        """The last: the first may be drilled with."""
        return (self._folder / "secrets" / file).read_text().split()[-1].partition("=")[2]

    def _configure(self) -> None:
        for name in ("prometheus", "alertmanager", "secrets", "deploy"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        for name in ("prometheus/rules", "alertmanager"):
            self._run(
                sys.executable, "scripts/scale_alerts.py", f"monitoring/{name}", str(self._folder / name), *SCALES
            )
        config = (ROOT / "monitoring/prometheus/prometheus.yml").read_text()
        for setting in ("scrape_interval", "scrape_timeout", "evaluation_interval"):
            config = re.sub(rf"^  {setting}: .*", f"  {setting}: 1s", config, flags=re.MULTILINE)
        config = re.sub(r"^    environment: .*", "    environment: drill", config, flags=re.MULTILINE)
        (self._folder / "prometheus/prometheus.yml").write_text(config)
        for file in (".env", "deploy/compose.env"):
            (self._folder / file).write_text("")
        self._make_secrets()

    def _make_secrets(self) -> None:
        folder = self._folder / "secrets"
        if (folder / "api_keys").exists():
            return
        self._run("scripts/secrets", str(folder))
        for name in ("slack", "pager"):
            (folder / f"{name}_url").write_text(f"{RECEIVER}/{name}\n")
        with (folder / "api_keys").open("a") as keys:
            keys.write(f"drill=sk-{os.urandom(16).hex()}\n")

    def _run(self, *words: str) -> None:
        """Raises DrillFailed with what it objects to."""
        try:
            done = subprocess.run(
                words, cwd=ROOT, env=self.env, capture_output=True, text=True, timeout=UP_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise DrillFailed(str(error)) from None
        if done.returncode:
            raise DrillFailed(
                f"`{' '.join(words)}` failed with {done.returncode}: {(done.stderr or done.stdout)[-2000:]}"
            )
