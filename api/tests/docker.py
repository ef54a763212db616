"""A Docker engine that tests can build on and run in: the machine's own where one answers, else one of ours."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ENGINE_DIRS = "/usr/sbin:/usr/local/sbin:/usr/bin"


def answers() -> bool:
    """Whether an engine answers the client."""
    if shutil.which("docker") is None:
        return False
    asked = subprocess.run(["docker", "info"], capture_output=True, timeout=60, check=False)
    return asked.returncode == 0


def can_compose() -> bool:
    """Whether the client has its plugin, which needs no engine to read a file."""
    if shutil.which("docker") is None:
        return False
    asked = subprocess.run(["docker", "compose", "version"], capture_output=True, timeout=60, check=False)
    return asked.returncode == 0


def dockerd() -> str | None:
    """The engine's program, where we could start it."""
    return shutil.which("dockerd", path=ENGINE_DIRS) if os.geteuid() == 0 else None


class Engine:
    """A context manager: inside it `env` reaches an engine. One of ours is gone afterwards, with all that it held.

    Ours has no bridge of its own, so that several on one machine do not meet on it: builds take the host's network, and
    containers a network that was made for them.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.env = dict(os.environ)

    def __enter__(self) -> Self:
        if not answers():
            self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is None:
            return
        containers = self.docker("ps", "--all", "--quiet").split()
        if containers:
            self.docker("rm", "--force", "--volumes", *containers)
        self.docker("network", "prune", "--force")
        self._stop()

    def docker(self, *words: str, timeout: float = 120) -> str:
        """What `docker WORDS` prints. AssertionError, with what it objects to, if it fails."""
        return self.run("docker", *words, timeout=timeout)

    def inspect(self, thing: str) -> dict[str, Any]:
        """What the engine knows about a container or an image."""
        (found,) = json.loads(self.docker("inspect", thing))
        return dict(found)

    def run(self, *command: str, timeout: float = 600, **env: str) -> str:
        """What any command prints that speaks to the engine; AssertionError as above."""
        done = subprocess.run(command, env=self.env | env, capture_output=True, text=True, timeout=timeout, check=False)
        assert done.returncode == 0, (
            f"{' '.join(command)}: {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        )
        return done.stdout

    def _start(self) -> None:
        program = dockerd()
        assert program, "no engine answers, and there is none to start"
        host = f"unix://{self._folder}/docker.sock"
        command = [program, "--bridge=none", "--host", host, "--pidfile", str(self._folder / "docker.pid")]
        command += ["--data-root", str(self._folder / "data"), "--exec-root", str(self._folder / "exec")]
        with (self._folder / "dockerd.log").open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        self.env["DOCKER_HOST"] = host
        deadline = time.monotonic() + 30
        while subprocess.run(["docker", "version"], env=self.env, capture_output=True, check=False).returncode:
            if self._process.poll() is not None or time.monotonic() > deadline:
                told = (self._folder / "dockerd.log").read_text()[-2000:]
                self._stop()
                raise AssertionError(f"dockerd did not start: {told}")
            time.sleep(0.1)

    def _stop(self) -> None:
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        for mount in self._mounts():
            subprocess.run(["umount", "--lazy", mount], check=True)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _mounts(self) -> list[str]:
        """What it leaves mounted: the place of the host's network, and whatever a kill kept it from unmounting."""
        places = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
        return [place for place in places if Path(place).is_relative_to(self._folder)]
