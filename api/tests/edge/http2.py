"""Frames of HTTP/2 written by hand, for requests that no library would send (RFC 9113, RFC 7541)."""

from __future__ import annotations

import socket
import ssl
import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS, PING, GOAWAY, RST = 0x0, 0x1, 0x4, 0x6, 0x7, 0x3
END_STREAM, END_HEADERS, ACK = 0x1, 0x4, 0x1

Fields = list[tuple[bytes, bytes]]


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes((kind, flags)) + struct.pack(">I", stream) + payload


def packed(fields: Fields) -> bytes:
    """Literals, neither indexed nor compressed: what stands in them is nobody's affair here."""
    return b"".join(b"\x00" + _text(name) + _text(value) for name, value in fields)


def _text(raw: bytes) -> bytes:
    """Its length with a prefix of seven bits, and itself."""
    if len(raw) < 127:
        return bytes((len(raw),)) + raw
    left, octets = len(raw) - 127, [127]
    while left >= 128:
        octets.append(left % 128 + 128)
        left //= 128
    return bytes((*octets, left)) + raw


def ask(port: int, trust: ssl.SSLContext, fields: Fields, body: bytes = b"") -> list[int]:
    """Sends one request, and a PING behind it; the kinds of the frames that came until that was answered."""
    trust.set_alpn_protocols(["h2"])
    with socket.create_connection(("127.0.0.1", port), 10) as plain, trust.wrap_socket(plain) as connection:
        assert connection.selected_alpn_protocol() == "h2"
        head = frame(HEADERS, END_HEADERS | (0 if body else END_STREAM), 1, packed(fields))
        data = frame(DATA, END_STREAM, 1, body) if body else b""
        connection.sendall(PREFACE + frame(SETTINGS, 0, 0) + head + data)
        return _kinds(connection)


def _kinds(connection: ssl.SSLSocket) -> list[int]:
    """Until the stream or the connection is over."""
    kinds: list[int] = []
    stream = connection.makefile("rb")
    while header := stream.read(9):
        length, kind, flags = int.from_bytes(header[:3]), header[3], header[4]
        stream.read(length)
        kinds.append(kind)
        if kind in (RST, GOAWAY) or (kind in (DATA, HEADERS) and flags & END_STREAM):
            break
    return kinds
