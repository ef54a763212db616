"""An authority of one's own, and the certificates that it signs."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

EC = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2".split()


class Authority:
    """Keeps its files in `folder`, each `NAME.pem` beside its `NAME.key`."""

    def __init__(self, openssl: str, folder: Path, name: str = "authority") -> None:
        self._openssl = openssl
        self._folder = folder
        self.certificate, self.key = folder / f"{name}.pem", folder / f"{name}.key"
        self._run("req", "-x509", *EC, "-subj", f"/CN={name}", "-keyout", str(self.key), "-out", str(self.certificate))

    def sign(self, name: str, alternative: str = "IP:127.0.0.1") -> tuple[Path, Path]:
        """A certificate and its key, for this address or name."""
        certificate, key = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        by = ["-CA", str(self.certificate), "-CAkey", str(self.key), "-addext", f"subjectAltName={alternative}"]
        made = ["-keyout", str(key), "-out", str(certificate)]
        self._run("req", "-x509", *EC, "-subj", f"/CN={name}", "-addext", "basicConstraints=CA:FALSE", *by, *made)
        return certificate, key

    def server(self, certificate: Path, key: Path, *, mutual: bool = False) -> ssl.SSLContext:
        """What a server takes: `mutual`, to speak with nobody whom this authority has not signed."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        if mutual:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.certificate)
        return context

    def _run(self, *words: str) -> None:
        subprocess.run([self._openssl, *words], check=True, capture_output=True)
