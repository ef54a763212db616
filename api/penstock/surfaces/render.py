"""An error as OpenAI's clients know it: the only place that turns one into bytes."""

from __future__ import annotations

import math
from typing import Final

import orjson

from penstock.errors import PenstockError
from penstock.surfaces.framing import Headers

JSON: Final[tuple[bytes, bytes]] = (b"content-type", b"application/json")


def error_body(error: PenstockError) -> bytes:
    return orjson.dumps(
        {"error": {"message": error.message, "type": error.type, "param": error.param, "code": error.code}}
    )


def error_headers(error: PenstockError) -> Headers:
    """Retry-After in whole seconds, rounded up. After our own retries a client's would only multiply them."""
    headers: Headers = [JSON]
    if error.retry_after is not None:
        headers.append((b"retry-after", b"%d" % math.ceil(error.retry_after)))
    if error.status in (401, 408, 413):  # their bodies were not read to the end
        headers.append((b"connection", b"close"))
    return headers
