"""A vLLM on the CPU as vllm/serve.sh serves it, in the place of one on a GPU."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from tests.pages import ROOT
from tests.servers import free_port
from tests.talk import until

SERVE = str(ROOT / "vllm/serve.sh")
ON_A_CPU = ("--dtype=float32", "--enforce-eager", "--block-size=32", "--num-gpu-blocks-override=300")
QUIET = {
    "VLLM_HOST_IP": "127.0.0.1",
    "VLLM_LOOPBACK_IP": "127.0.0.1",
    "GLOO_SOCKET_IFNAME": "lo",
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "OMP_NUM_THREADS": "1",
    "TORCH_COMPILE_DISABLE": "1",
    "HF_HUB_OFFLINE": "1",
}


class Place:
    """Where vLLM is installed; `path` puts what a test brings before it."""

    def __init__(self, installed: str, folder: Path) -> None:
        self.models = Path(installed) / "models"
        self._folder = folder
        self._programs = f"{installed}/venv/bin"

    def environment(self, **settings: str) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("SERVE_")}
        path = f"{self._folder}:{self._programs}:{os.environ['PATH']}"
        return inherited | QUIET | {"SERVE_HOST": "127.0.0.1"} | settings | {"PATH": path}

    def model(self, model: str) -> str:
        """The path of an env file that names the model."""
        file = self._folder / "model.env"
        file.write_text(f"# a model for a test\nSERVE_MODEL={model}\nSERVE_CONTEXT=2048\n")
        return str(file)

    def program(self, name: str, text: str) -> None:
        """A program of this name, found before any other."""
        file = self._folder / name
        file.write_text(f"#!/bin/sh\n{text}\n")
        file.chmod(0o755)

    def refused(self, model: str, **settings: str) -> str:
        """What serve.sh says, and it alone, when it will not even start vLLM."""
        done = subprocess.run(
            [SERVE, model], env=self.environment(**settings), capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 1
        assert done.stderr.startswith("serve: ")
        return done.stderr.strip()


class Served:
    """The slow model, served. A context manager; leaving it kills what is left."""

    def __init__(self, place: Place, log: Path, **settings: str) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._log = log
        self._client = httpx.Client(base_url=self.url, timeout=5)
        env = place.environment(SERVE_DEVICE="cpu", SERVE_PORT=str(port), SERVE_NAME="slow", **settings)
        command = [SERVE, place.model(str(place.models / "slow")), *ON_A_CPU]
        with log.open("wb") as out:
            self.script = subprocess.Popen(command, env=env, stdout=out, stderr=out)
        self.server = until(lambda: self._children("vllm"), 60)[0]

    def statuses_until_ready(self, limit_s: float = 240) -> list[int]:
        """What /health said, each change once; 0 is no answer. It ends with the first 200."""
        seen: list[int] = []
        deadline = time.monotonic() + limit_s
        while seen[-1:] != [200]:
            if self.script.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"vLLM is not ready: {self._log.read_text()[-3000:]}")
            status = self.health()
            if seen[-1:] != [status]:
                seen.append(status)
            time.sleep(0.1)
        return seen

    def health(self) -> int:
        try:
            return self._client.get("/health").status_code
        except httpx.TransportError:
            return 0

    def group(self) -> list[int]:
        """The living processes of the server's group: itself, its engine, its workers."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(ProcessLookupError, FileNotFoundError):
                state = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(state[2]) == self.server and state[0] != "Z":
                    found.append(int(entry.name))
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pid in self.group():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.script.kill()
        self.script.wait()
        self._client.close()

    def _children(self, program: str) -> list[int]:
        """The script's children that run the program."""
        task = Path(f"/proc/{self.script.pid}/task/{self.script.pid}/children")
        pids = [int(pid) for pid in task.read_text().split()]
        return [pid for pid in pids if f"/{program}\0serve" in Path(f"/proc/{pid}/cmdline").read_text()]
