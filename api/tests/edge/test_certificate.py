"""The certificate: made if there is none, changed without a reload, renewed by ACME."""

import contextlib
import json
import os
import socket
import ssl
import stat
import subprocess
from collections.abc import Callable, Iterator
from http.client import HTTPSConnection
from pathlib import Path

import httpx
import pytest

from tests.edge.conftest import Fleet, MakeEdge
from tests.edge.edge import Edge, trusting
from tests.edge.name_server import NameServer
from tests.pages import ROOT
from tests.servers import free_port
from tests.talk import until

RENEW = ROOT / "infrastructure/nginx/renew"
SELF_SIGN = ROOT / "infrastructure/nginx/self-sign"
NAME = "edge.penstock.test"


def shown(edge: Edge) -> bytes:
    """The certificate that a new connection is shown."""
    with socket.create_connection(("127.0.0.1", edge.port), 10) as plain, trusting().wrap_socket(plain) as connection:
        return connection.getpeercert(binary_form=True) or b""


def asked(connection: HTTPSConnection, mark: str) -> int:
    connection.request("GET", "/v1/models", headers={"x-request-id": mark})
    answer = connection.getresponse()
    answer.read()
    return answer.status


def first_of(chain: Path) -> bytes:
    text, end, _ = chain.read_text().partition("-----END CERTIFICATE-----")
    return ssl.PEM_cert_to_DER_cert(text + end)


def make_pair(openssl: str, folder: Path, name: str) -> None:
    """Another self-signed pair, in `folder`, moved into place one after the other, the key first."""
    files = [folder / "key.pem", folder / "cert.pem"]
    new = [path.with_suffix(".new") for path in files]
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "7", "-subj", f"/CN={name}"]
    subprocess.run([*command, "-keyout", new[0], "-out", new[1]], check=True, capture_output=True)
    for source, target in zip(new, files, strict=True):
        source.replace(target)


def test_it_signs_itself_anew_when_it_is_told_to(
    make_edge: MakeEdge, fleet: Fleet, require: Callable[[str], str]
) -> None:
    require("openssl")
    edge = make_edge({"blue": fleet.addresses})
    before, folder = shown(edge), edge.folders["TLS"]
    subprocess.run([SELF_SIGN], env={**os.environ, "EDGE_TLS_DIR": str(folder)}, check=True)
    until(lambda: shown(edge) != before, 20)
    assert shown(edge) == first_of(folder / "cert.pem")
    assert stat.S_IMODE((folder / "key.pem").stat().st_mode) == 0o600


def test_a_self_signed_pair_is_made_once(make_edge: MakeEdge, fleet: Fleet, require: Callable[[str], str]) -> None:
    edge = make_edge({"blue": fleet.addresses}, EDGE_TLS_NAME="gateway.example")
    folder = edge.folders["TLS"]
    text = subprocess.run(
        [require("openssl"), "x509", "-in", folder / "cert.pem", "-noout", "-ext", "subjectAltName"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "DNS:gateway.example, DNS:localhost, IP Address:127.0.0.1" in text
    assert stat.S_IMODE((folder / "key.pem").stat().st_mode) == 0o600
    first = shown(edge)
    edge.stop()
    edge.start()
    assert shown(edge) == first == first_of(folder / "cert.pem")


def test_a_new_pair_is_shown_and_kept_connections_stay(
    make_edge: MakeEdge, fleet: Fleet, require: Callable[[str], str]
) -> None:
    edge = make_edge({"blue": fleet.addresses})
    first = shown(edge)
    with contextlib.closing(HTTPSConnection("127.0.0.1", edge.port, context=trusting())) as kept:
        assert asked(kept, "first") == 200
        make_pair(require("openssl"), edge.folders["TLS"], "second")
        until(lambda: [shown(edge) for _ in range(8)].count(first) == 0, 8)
        assert shown(edge) == first_of(edge.folders["TLS"] / "cert.pem")
        assert asked(kept, "kept") == 200
        assert edge.wait_for(lambda line: line["request_id"] == "kept")["connection_requests"] == 2
    assert 6 * 86400 < edge.samples()["edge_certificate_expires_in_seconds"] <= 7 * 86400


def test_a_pair_that_does_not_fit_is_not_used(
    make_edge: MakeEdge, fleet: Fleet, tmp_path: Path, require: Callable[[str], str]
) -> None:
    edge = make_edge({"blue": fleet.addresses})
    first = shown(edge)
    make_pair(require("openssl"), tmp_path, "other")
    for text, why in ((tmp_path / "key.pem", "the key is not the certificate's"), (tmp_path / "penstock", "PEM")):
        new = text.read_text() if text.exists() else "no key"
        (edge.folders["TLS"] / "key.pem").write_text(new)
        until(lambda why=why: edge.said("is not used") and any(why in line for line in edge.told), 8)  # type: ignore[misc]
        assert shown(edge) == first


@pytest.fixture
def authority(require: Callable[[str], str], tmp_path: Path) -> Iterator["Authority"]:
    with Authority(require("pebble"), require("openssl"), tmp_path) as one:
        yield one


class Authority:
    """A Pebble, the ACME server for tests, which finds `NAME` here. `http_port` is where it looks for answers."""

    def __init__(self, pebble: str, openssl: str, folder: Path) -> None:
        self._folder = folder / "authority"
        self._folder.mkdir()
        make_pair(openssl, self._folder, "authority")
        san = ["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:TRUE"]
        command = [
            openssl,
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "7",
            "-subj",
            "/CN=authority",
            *san,
        ]
        files = {"certificate": self._folder / "cert.pem", "privateKey": self._folder / "key.pem"}
        subprocess.run(
            [*command, "-keyout", files["privateKey"], "-out", files["certificate"]], check=True, capture_output=True
        )
        self.trust = str(files["certificate"])
        self.http_port, port = free_port(), free_port()
        self.url = f"https://127.0.0.1:{port}/dir"
        (self._folder / "pebble.json").write_text(
            json.dumps(
                {
                    "pebble": {
                        **{name: str(path) for name, path in files.items()},
                        "listenAddress": f"127.0.0.1:{port}",
                        "managementListenAddress": f"127.0.0.1:{free_port()}",
                        "httpPort": self.http_port,
                        "tlsPort": free_port(),
                    }
                }
            )
        )
        self._names = NameServer({NAME: "127.0.0.1"})
        self._pebble = pebble

    def __enter__(self) -> "Authority":
        self._names.__enter__()
        self._process = subprocess.Popen(
            [self._pebble, "-config", self._folder / "pebble.json", "-dnsserver", self._names.address],
            env={**os.environ, "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(self._answers, 10)
        return self

    def _answers(self) -> bool:
        try:
            with httpx.Client(verify=trusting(), trust_env=False) as client:
                return client.get(self.url).status_code == 200
        except httpx.TransportError:
            return False

    def __exit__(self, *exception: object) -> None:
        self._process.kill()
        self._process.wait(5)
        self._names.__exit__()


def renew(edge: Edge, authority: Authority, folder: Path) -> str:
    """What certbot says."""
    env = {
        **os.environ,
        "ACME_SERVER": authority.url,
        "ACME_FOLDER": str(folder / "letsencrypt"),
        "EDGE_ACME_DIR": str(edge.folders["ACME"]),
        "EDGE_TLS_DIR": str(edge.folders["TLS"]),
        "REQUESTS_CA_BUNDLE": authority.trust,
    }
    run = subprocess.run([RENEW, NAME], env=env, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


@pytest.mark.slow
def test_a_certificate_by_acme(
    make_edge: MakeEdge, fleet: Fleet, authority: Authority, tmp_path: Path, require: Callable[[str], str]
) -> None:
    require("certbot")
    edge = make_edge({"blue": fleet.addresses}, EDGE_HTTP_PORT=str(authority.http_port))
    first = shown(edge)
    renew(edge, authority, tmp_path)
    second = first_of(edge.folders["TLS"] / "cert.pem")
    assert second != first
    until(lambda: {shown(edge) for _ in range(8)} == {second}, 8)
    assert NAME.encode() in second
    assert "not yet due for renewal" in renew(edge, authority, tmp_path)
    assert shown(edge) == second
