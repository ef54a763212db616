"""The status page: one file, what it may do said by its hashes, and the stream that keeps it live."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from penstock.surfaces.board import Board, Status
from penstock.surfaces.sight import Sight
from penstock.surfaces.watchers import Watchers

PAGE = Path(__file__).with_name("status.html").read_text(encoding="utf-8")


def _hashes(tag: str) -> str:
    """Of what stands inside each such tag of the page."""
    inside = re.findall(rf"<{tag}>(.*?)</{tag}>", PAGE, re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in inside]
    return " ".join(f"'sha256-{digest}'" for digest in digests)


HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "; ".join(
        (
            "default-src 'none'",
            f"style-src {_hashes('style')}",
            f"script-src {_hashes('script')}",
            "connect-src 'self'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
        )
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


def status_router(board: Board, watchers: Watchers, sight: Sight) -> APIRouter:
    """The page at /, its stream, and the same for programs."""
    router = APIRouter()

    @router.head("/", include_in_schema=False)
    @router.get("/", include_in_schema=False)
    async def page(request: Request) -> Response:
        sight.check_page(*_asker(request))
        return Response(PAGE, headers=HEADERS, media_type="text/html")

    @router.get("/status/events", tags=["health"], response_class=StreamingResponse)
    async def events(request: Request) -> Response:
        """How the instance stands, each second: server-sent events with the JSON of /admin/status."""
        sight.check_state(*_asker(request))
        return watchers.join()

    @router.get("/admin/status", tags=["admin"])
    async def status() -> Status:
        """How the instance stands: its models and targets, the figures of the last minutes, the last incidents."""
        return board.status()

    return router


def _asker(request: Request) -> tuple[str, dict[bytes, bytes]]:
    return request.client.host if request.client else "", dict(request.scope["headers"])
