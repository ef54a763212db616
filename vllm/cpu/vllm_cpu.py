"""A real vLLM on this machine, run by the script `start`, that can be made to fail in its several ways."""

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent
SMALL = ("--num-gpu-blocks-override=300",)  # 1.4 GB instead of 2.5, and room for four requests of full length


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


class Replica:
    """One server. `start` returns at once and `wait` when it answers, so that several can start together."""

    def __init__(self, model: str, log: Path, *flags: str) -> None:
        self.model = model
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._flags = flags
        self._log = log
        self._script: subprocess.Popen[bytes] | None = None

    def start(self, *flags: str) -> None:
        """Start it, again on the same port if it ran before; `flags` are for this time only."""
        command = [str(HERE / "start"), str(self.port), self.model, *SMALL, *self._flags, *flags]
        with self._log.open("ab") as log:
            self._script = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def wait(self, limit_s: float = 240) -> None:
        deadline = time.monotonic() + limit_s
        while not self.healthy():
            if not self.running() or time.monotonic() > deadline:
                raise RuntimeError(f"vLLM did not start: {self._log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.2)

    def healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=2):
                return True
        except (OSError, urllib.error.URLError):
            return False

    def running(self) -> bool:
        return self._script is not None and self._script.poll() is None

    def terminate(self) -> None:
        """Ask it to end, as an orchestrator does, and return at once."""
        assert self._script is not None
        self._script.terminate()

    def kill(self) -> None:
        """Kill all of it at once, as when its machine loses power."""
        for pid in self.processes().values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.ended()

    def kill_worker(self) -> None:
        """Kill what computes. The server says so to its streams, and ends."""
        os.kill(self.processes()["VLLM::Worker"], signal.SIGKILL)

    def pause(self) -> None:
        """Stop what computes. The server goes on: it takes requests, calls itself healthy, and is silent."""
        os.kill(self.processes()["VLLM::Worker"], signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.processes()["VLLM::Worker"], signal.SIGCONT)

    def stop(self, grace_s: float = 8) -> None:
        """End it as an orchestrator does: ask, wait, kill. Asked, vLLM as often as not waits for ever for streams
        that it will never finish; it takes no more connections then, and says nothing on those that it has.
        """
        if not self.running():
            return
        self.terminate()
        try:
            self.ended(grace_s)
        except subprocess.TimeoutExpired:
            self.kill()

    def ended(self, limit_s: float = 30) -> None:
        """Wait until none of it is left."""
        assert self._script is not None
        self._script.wait(limit_s)

    def processes(self) -> dict[str, int]:
        """Its processes by name, the server's own being `server`."""
        assert self._script is not None
        script = self._script.pid
        children = Path(f"/proc/{script}/task/{script}/children").read_text().split() if self.running() else []
        server = int(children[0]) if children else 0
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            pid = int(entry.name)
            try:
                if os.getpgid(pid) == server:
                    found["server" if pid == server else (entry / "comm").read_text().strip()] = pid
            except (ProcessLookupError, FileNotFoundError):
                continue  # it ended while we looked
        return found
