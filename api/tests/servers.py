"""Real servers that tests start, hurt and stop."""

import contextlib
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

_SIMULATOR = Path(__file__).parents[2] / "vllm" / "simulator"
_READY = "listening on "


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RedisServer:
    """A redis-server of our own, on a loopback port and on a socket in `folder`.

    It keeps nothing on disk, or with `keeps` all that it is told, as the stack's does.
    """

    def __init__(self, program: str, folder: Path, *, keeps: bool = False) -> None:
        self._socket = folder / "redis.sock"
        self._port = free_port()
        self._command = [
            program,
            "--port",
            str(self._port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--dir",
            str(folder),
        ]
        self._command += ["--unixsocket", str(self._socket)]
        self._command += ["--appendonly", "yes", "--appendfsync", "everysec"] if keeps else []
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self.socket_url = f"unix://{self._socket}"

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        for _ in range(500):
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", self._port), 1) as client,
            ):
                client.sendall(b"PING\r\n")
                if client.recv(16) == b"+PONG\r\n":
                    return
            time.sleep(0.02)
        raise RuntimeError("redis-server did not start")

    def stop(self) -> None:
        """SIGTERM, and wait for its end."""
        assert self._process
        self._process.terminate()
        self._process.wait(30)
        self._process = None

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        assert self._process
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process
        self._process.send_signal(signal.SIGCONT)


class Simulator:
    """A `python -m vllm_simulator` of one's own, with the flags given. A context manager.

    `/sim` is spoken to on a second port, so that faults of the first do not stand in the way.
    """

    def __init__(self, *flags: str, port: int = 0) -> None:
        command = [sys.executable, "-m", "vllm_simulator", "--port", str(port), "--control-port", "0", *flags]
        self._process = subprocess.Popen(command, cwd=_SIMULATOR, stdout=subprocess.PIPE, text=True)
        self._client = httpx.Client(timeout=10)
        self.url = self._ready_url()
        self.port = int(self.url.rpartition(":")[2])
        self._control: str = self._client.get(f"{self.url}/sim/state").json()["control_url"]

    def fault(self, kind: str, **options: Any) -> None:
        """Sets a fault; see `vllm_simulator.faults` for the kinds and their options."""
        answer = self._client.post(f"{self._control}/sim/fault", json={"kind": kind, **options})
        answer.raise_for_status()

    def clear(self) -> None:
        """Ends all faults."""
        self._client.delete(f"{self._control}/sim/fault").raise_for_status()

    def state(self) -> dict[str, Any]:
        """What the simulator saw and does; see `vllm_simulator.control`."""
        state: dict[str, Any] = self._client.get(f"{self._control}/sim/state").json()
        return state

    def users(self) -> dict[str, dict[str, int]]:
        """The tokens of each `user` that bodies named; see `vllm_simulator.ledger`."""
        users: dict[str, dict[str, int]] = self._client.get(f"{self._control}/sim/users").json()
        return users

    def freeze(self) -> None:
        """Stops the process in its tracks: the kernel goes on accepting connections."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def terminate(self) -> None:
        """SIGTERM, without waiting."""
        self._process.terminate()

    def wait(self, seconds: float = 10) -> int:
        """Waits for the end of the process; its exit code."""
        return self._process.wait(seconds)

    def kill(self) -> None:
        """SIGKILL: connections are closed by the kernel, without a word."""
        self._process.kill()
        self._process.wait(10)

    def stop(self) -> None:
        """Ends the process in any state, and gives back what it held."""
        if self._process.poll() is None:
            self.kill()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _ready_url(self) -> str:
        line = self._process.stdout.readline().strip() if self._process.stdout else ""
        if not line.startswith(_READY):
            self.stop()
            raise RuntimeError(f"the simulator did not start: {line!r}")
        return line.removeprefix(_READY)
