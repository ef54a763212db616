"""Where every request comes in: it gets its id, is let in or not, is answered, and is recorded once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from structlog.typing import FilteringBoundLogger

from penstock.callers.caller import Caller
from penstock.errors import ClientGone, Draining, Forbidden, InternalError, PenstockError
from penstock.surfaces.audit import audit
from penstock.surfaces.auth import OPEN_ROUTES, Doorkeeper
from penstock.surfaces.cold import ASGI, through
from penstock.surfaces.cors import Cors
from penstock.surfaces.outcomes import outcome_of
from penstock.surfaces.render import error_body, error_headers
from penstock.surfaces.visit import Visit
from penstock.surfaces.wire import Wire
from penstock.telemetry.journal import Journal
from penstock.telemetry.record import Used
from penstock.telemetry.tracing import Tracing

Handler = Callable[[Visit], Awaitable[None]]


NOT_HOT: Final[tuple[str, Handler | None]] = ("", None)
COLD_SURFACES: Final = {"/v1/models": "models", "/v1/functions": "functions", "/admin": "admin"}


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
    cors: Cors
    tracing: Tracing | None = None
    used: Used | None = None
    draining: bool = False
    """The instance is going: balancers are told so, and connections are not kept."""
    closed: bool = False
    """It is, and the delay is over: new requests are refused."""
    visits: set[Visit] = field(default_factory=set)

    async def answer(self, wire: Wire) -> None:
        """Answer a request, whatever happens."""
        path = wire.path
        surface, handler = self.hot.get(path, NOT_HOT) if wire.method == "POST" else NOT_HOT
        visit = Visit(wire, surface or surface_of(path), self.used, last=self.draining)
        self.visits.add(visit)
        visit.cors = self.cors.headers(wire)
        try:
            if visit.cors and self.cors.asks_before(wire):
                visit.start(204, [])
                wire.finish(b"")
                return
            caller = visit.caller = self._let_in(visit, path)
            visit.record.caller = caller.name
            if self.tracing is not None:
                self._trace(visit, self.tracing, path if handler is not None else None)
            if handler is not None:
                await handler(visit)
            else:
                await through(self.app, visit, self.body_timeout_s)
        except PenstockError as error:
            self._tell(visit, error)
        except asyncio.CancelledError:
            self._interrupted(visit)
        except Exception:  # whatever it is, it is our bug, and the client must hear something
            self.log.exception("bug", request_id=visit.request_id, path=path)
            self._tell(visit, InternalError(f"Something went wrong here. Tell us {visit.request_id}."))
        finally:
            visit.close()
            self.visits.discard(visit)
            if path not in OPEN_ROUTES:
                self.journal.close(visit.record)
            if visit.record.surface == "admin":
                audit(self.log, visit)

    def _let_in(self, visit: Visit, path: str) -> Caller:
        if self.closed and path not in OPEN_ROUTES:
            raise Draining("This instance is shutting down: ask again, another will answer.", retry_after=1)
        try:
            return self.doorkeeper.caller(path, visit.wire.headers)
        except Forbidden as error:
            visit.record.caller = error.caller
            raise

    def _trace(self, visit: Visit, tracing: Tracing, route: str | None) -> None:
        trace = tracing.begin(visit.wire.headers)
        if isinstance(trace, str):
            visit.onward = trace
        else:
            trace.method, trace.path, trace.route = visit.wire.method, visit.wire.path, route
            visit.record.trace = trace

    def _interrupted(self, visit: Visit) -> None:
        """A cancellation of ours has a reason; any other is the server's, and goes on."""
        if visit.why is None:
            raise asyncio.CancelledError
        task = asyncio.current_task()
        if task is not None:
            task.uncancel()
        self._tell(visit, visit.why)

    def _tell(self, visit: Visit, error: PenstockError) -> None:
        record = visit.record
        record.outcome, record.code = outcome_of(error, started=visit.wire.started), error.code
        if isinstance(error, ClientGone):
            record.status = error.status
        elif not visit.wire.started:
            record.status = error.status  # even if the server does not let it through
            headers = error_headers(error)
            if record.attempts:
                headers.append((b"x-penstock-target", record.target.encode()))
                headers.append((b"x-penstock-attempts", b"%d" % record.attempts))
            visit.respond(error.status, headers, error_body(error))
