"""Where every request comes in: it gets its id, is let in or not, is answered, and is recorded once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from structlog.typing import FilteringBoundLogger

from penstock.errors import ClientGone, Draining, InternalError, PenstockError
from penstock.surfaces.auth import OPEN_ROUTES, Doorkeeper
from penstock.surfaces.outcomes import outcome_of
from penstock.surfaces.render import error_body, error_headers
from penstock.surfaces.visit import ERROR_CODE, Message, Receive, Scope, Send, Visit
from penstock.telemetry.record import Journal

Handler = Callable[[Visit], Awaitable[None]]
ASGI = Callable[[Scope, Receive, Send], Awaitable[None]]


NOT_HOT: tuple[str, Handler | None] = ("", None)
MAX_COLD_BYTES = 64 * 1024
"""Of the body of a route that is not hot: an operator's few words."""
COLD_SURFACES = {"/v1/models": "models", "/v1/functions": "functions", "/admin": "admin"}


def surface_of(path: str) -> str:
    """The metrics' name for a route that is not hot."""
    return next((surface for prefix, surface in COLD_SURFACES.items() if path.startswith(prefix)), "other")


@dataclass(slots=True)
class Front:
    """The outermost layer. `hot` routes are answered straight from here, all others by `app`."""

    app: ASGI
    hot: Mapping[str, tuple[str, Handler]]
    doorkeeper: Doorkeeper
    journal: Journal
    log: FilteringBoundLogger
    body_timeout_s: float
    draining: bool = False
    """The instance is going: balancers are told so, and connections are not kept."""
    closed: bool = False
    """It is, and the delay is over: new requests are refused."""
    visits: set[Visit] = field(default_factory=set)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = scope["path"]
        surface, handler = self.hot.get(path, NOT_HOT) if scope["method"] == "POST" else NOT_HOT
        visit = Visit(scope, receive, send, surface or surface_of(path), last=self.draining)
        self.visits.add(visit)
        try:
            visit.record.caller = self._let_in(visit, path)
            if handler is not None:
                await handler(visit)
            else:
                await self._through_app(visit, receive)
        except PenstockError as error:
            await self._tell(visit, error)
        except asyncio.CancelledError:
            await self._interrupted(visit)
        except Exception:  # whatever it is, it is our bug, and the client must hear something
            self.log.exception("bug", request_id=visit.request_id, path=path)
            await self._tell(visit, InternalError(f"Something went wrong here. Tell us {visit.request_id}."))
        finally:
            visit.close()
            self.visits.discard(visit)
            if path not in OPEN_ROUTES:
                self.journal.close(visit.record)

    def _let_in(self, visit: Visit, path: str) -> str:
        if self.closed and path not in OPEN_ROUTES:
            raise Draining("This instance is shutting down: ask again, another will answer.", retry_after=1)
        return self.doorkeeper.caller(path, visit.headers)

    async def _through_app(self, visit: Visit, receive: Receive) -> None:
        """FastAPI makes errors of reading its own, so a body that is refused ends the visit by an interruption."""
        unread = True

        async def read() -> Message:
            nonlocal unread
            if unread:
                unread = False
                try:
                    body = await visit.read(MAX_COLD_BYTES, self.body_timeout_s)
                except PenstockError as error:
                    visit.interrupt(error)
                    await asyncio.sleep(0)
                else:
                    return {"type": "http.request", "body": body, "more_body": False}
            return await receive()

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                if message["status"] >= 400:
                    visit.record.outcome = "refused" if message["status"] < 500 else "failed"
                    visit.record.code = visit.scope.get("extensions", {}).get(ERROR_CODE)
                await visit.start(message["status"], list(message["headers"]))
            else:
                await visit.send(message)

        await self.app(visit.scope, read, send)

    async def _interrupted(self, visit: Visit) -> None:
        """A cancellation of ours has a reason; any other is the server's, and goes on."""
        if visit.why is None:
            raise asyncio.CancelledError
        task = asyncio.current_task()
        if task is not None:
            task.uncancel()
        await self._tell(visit, visit.why)

    async def _tell(self, visit: Visit, error: PenstockError) -> None:
        record = visit.record
        record.outcome, record.code = outcome_of(error, started=visit.started), error.code
        if isinstance(error, ClientGone):
            record.status = error.status
        elif not visit.started:
            record.status = error.status  # even if the server does not let it through
            headers = error_headers(error)
            if record.attempts:
                headers.append((b"x-penstock-target", record.target.encode()))
                headers.append((b"x-penstock-attempts", b"%d" % record.attempts))
            await visit.respond(error.status, headers, error_body(error))
