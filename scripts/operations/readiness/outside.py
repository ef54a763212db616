"""The deployment as a client sees it."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from operations.errors import CannotAsk

LIMIT_S = 20
DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Reply:
    """Headers by their names in small letters."""

    status: int
    headers: Mapping[str, str]
    text: str


@dataclass(frozen=True)
class Outside:
    """`key` is empty where none is known. `insecure`: any certificate will do."""

    url: str
    plain_url: str
    key: str
    insecure: bool

    def ask(self, path: str, *, key: str = "", body: Mapping[str, object] | None = None) -> Reply:
        """A POST where there is a body. Raises CannotAsk."""
        connection = self._connection(self.url)
        try:
            return _asked(connection, path, key, body)
        finally:
            connection.close()

    def plainly(self, path: str) -> Reply:
        """By HTTP without TLS. Raises CannotAsk."""
        connection = self._connection(self.plain_url)
        try:
            return _asked(connection, path, "", None)
        finally:
            connection.close()

    def burst(self, path: str, key: str, most: int) -> tuple[int, Reply]:
        """One after the other on one connection until the first 429, or the last. How many, and that one's reply."""
        connection = self._connection(self.url)
        try:
            for count in range(1, most + 1):
                reply = _asked(connection, path, key, None)
                if reply.status == 429:
                    return count, reply
            return most, reply
        finally:
            connection.close()

    def chat(self, model: str) -> Reply:
        asked: dict[str, object] = {"model": model, "max_tokens": 4, "messages": [{"role": "user", "content": "Hello"}]}
        return self.ask("/v1/chat/completions", key=self.key, body=asked)

    @cached_property
    def models(self) -> list[str]:
        """Those that are served. Raises CannotAsk."""
        reply = self.ask("/v1/models", key=self.key)
        if reply.status != 200:
            raise CannotAsk(f"/v1/models answers with {reply.status}: is there a key in PENSTOCK_KEY?")
        return [str(card["id"]) for card in json.loads(reply.text)["data"]]

    def handshake(self, context: ssl.SSLContext) -> tuple[str, dict[str, Any], bytes]:
        """The version of TLS, the certificate as far as it was checked, and its bytes. Raises OSError."""
        host, port = self._host(self.url)
        with (
            socket.create_connection((host, port), LIMIT_S) as bare,
            context.wrap_socket(bare, server_hostname=host) as secure,
        ):
            certificate: dict[str, Any] = dict(secure.getpeercert() or {})
            return str(secure.version()), certificate, secure.getpeercert(binary_form=True) or b""

    def old_handshake(self) -> tuple[str, dict[str, Any], bytes]:
        """With a version that nobody should speak any more. Raises OSError."""
        context = any_certificate()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that these are old is the point
            context.set_ciphers("DEFAULT:@SECLEVEL=0")
            context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        return self.handshake(context)

    def days_left(self) -> float:
        """Of the certificate, whoever signed it. Raises OSError."""
        _, _, raw = self.handshake(any_certificate())
        context = ssl.create_default_context(cadata=ssl.DER_cert_to_PEM_cert(raw))
        context.check_hostname = False
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # it vouches for itself, only to be read
        _, certificate, _ = self.handshake(context)
        return (ssl.cert_time_to_seconds(certificate["notAfter"]) - time.time()) / DAY_S

    def _connection(self, url: str) -> http.client.HTTPConnection:
        host, port = self._host(url)
        if not url.startswith("https://"):
            return http.client.HTTPConnection(host, port, timeout=LIMIT_S)
        context = any_certificate() if self.insecure else ssl.create_default_context()
        return http.client.HTTPSConnection(host, port, timeout=LIMIT_S, context=context)

    @staticmethod
    def _host(url: str) -> tuple[str, int]:
        parts = urlsplit(url)
        return parts.hostname or "localhost", parts.port or (443 if parts.scheme == "https" else 80)


def any_certificate() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _asked(connection: http.client.HTTPConnection, path: str, key: str, body: Mapping[str, object] | None) -> Reply:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    told = None if body is None else json.dumps(body).encode()
    headers |= {"content-type": "application/json"} if told else {}
    try:
        connection.request("POST" if told else "GET", path, told, headers)
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        raise CannotAsk(f"{path} cannot be asked from here: {error!r}") from None
    return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, text)
