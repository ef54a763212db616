"""A real sshd of one's own, on a free port of the loopback, that lets this user in."""

from __future__ import annotations

import shlex
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

from tests.servers import free_port

CONFIG = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/key.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
PermitUserEnvironment no
AcceptEnv *
"""


class Sshd:
    """A context manager. `ssh` is the command that gets in, with the environment handed over by name."""

    def __init__(self, program: str, folder: Path, handed: dict[str, str]) -> None:
        self._program = program
        self._folder = folder
        self._port = free_port()
        for name in ("host_key", "key"):
            path = str(folder / name)
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
        (folder / "sshd_config").write_text(CONFIG.format(port=self._port, folder=folder))
        config = folder / "ssh_config"
        config.write_text(
            f"Host *\nPort {self._port}\nIdentityFile {folder}/key\nStrictHostKeyChecking no\n"
            f"UserKnownHostsFile {folder}/known\nLogLevel ERROR\nSendEnv {' '.join(handed)}\n"
        )
        self.ssh = shlex.join(["ssh", "-F", str(config)])

    def __enter__(self) -> Self:
        config = str(self._folder / "sshd_config")
        with (self._folder / "sshd.log").open("wb") as log:
            Path("/run/sshd").mkdir(exist_ok=True)  # sshd wants its folder to be there
            self._process = subprocess.Popen([self._program, "-D", "-e", "-f", config], stdout=log, stderr=log)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self._port), 1).close()
            except OSError:
                assert self._process.poll() is None, (self._folder / "sshd.log").read_text()
                time.sleep(0.05)
            else:
                return self
        raise AssertionError("sshd did not start")

    def __exit__(self, *exception: object) -> None:
        self._process.terminate()
        self._process.wait(10)
