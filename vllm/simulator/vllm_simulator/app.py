"""The ASGI app: routes to handlers, errors to answers."""

from collections.abc import Awaitable, Callable, Mapping
from secrets import token_hex
from time import monotonic
from typing import Protocol

from vllm_simulator import cloud, control, errors, reply
from vllm_simulator.blocks import BlockPool
from vllm_simulator.chat import CHAT
from vllm_simulator.completions import COMPLETIONS
from vllm_simulator.control import Control
from vllm_simulator.embeddings import EMBEDDINGS
from vllm_simulator.engine import Engine
from vllm_simulator.errors import ApiError, ClientGoneError
from vllm_simulator.exchange import Exchange, Receive, Scope, Send
from vllm_simulator.exporter import Exporter
from vllm_simulator.faults import Fault, Faults
from vllm_simulator.generation import Generation, mislead
from vllm_simulator.job import Dialect
from vllm_simulator.ledger import Ledger
from vllm_simulator.metrics import Metrics
from vllm_simulator.plain import Plain
from vllm_simulator.responses import RESPONSES
from vllm_simulator.settings import Role, Settings
from vllm_simulator.ticker import Ticker

DIALECTS: Mapping[str, Dialect] = {
    "/v1/chat/completions": CHAT,
    "/v1/completions": COMPLETIONS,
    "/v1/responses": RESPONSES,
    "/v1/embeddings": EMBEDDINGS,
}
Handler = Callable[[Exchange], Awaitable[None]]


class Process(reply.Process, control.Process, Protocol):
    """All that the app needs of the process around it."""


class App:
    """One simulated server."""

    def __init__(self, settings: Settings, process: Process) -> None:
        self._settings = settings
        blocks = BlockPool(settings.kv_blocks, settings.block_size)
        engine = Engine(settings.pace, blocks, settings.max_num_seqs, settings.max_num_queued_reqs)
        metrics = Metrics(engine, settings.models[0])
        self.ticker = Ticker(engine, metrics)
        self._faults, self._ledger = Faults(), Ledger()
        self._generation = Generation(settings, self.ticker, self._ledger, process)
        self.control = Control(settings, self.ticker, self._faults, self._ledger, process)
        self._dialects = DIALECTS if settings.role != "gpus" else {}
        self._routes = _routes(Plain(settings, self.ticker, metrics), self.control, settings.role)
        if settings.role == "gpus":
            self._routes["/metrics"] = {"GET": Exporter(settings.gpus_of, self._faults, settings.name).metrics}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange(scope, receive, send)
        ours = exchange.path.startswith("/sim/")
        dialect = None if ours else self._dialects.get(exchange.path)
        drawn: Mapping[str, Fault] = {}
        if not ours:
            self._ledger.saw(exchange, dialect is not None)
            drawn = self._faults.draw(exchange.path, dialect is not None)
            self._add_headers(exchange)
        try:
            await exchange.read()
            await self._serve(exchange, dialect, drawn)
            self._ledger.completed += not ours
        except ClientGoneError:
            self._ledger.aborted += not ours
        except ApiError as error:
            await self._refuse(exchange, error)

    async def _serve(self, exchange: Exchange, dialect: Dialect | None, drawn: Mapping[str, Fault]) -> None:
        if exchange.path.startswith("/v1/"):
            self._check_key(exchange)
        if dialect is not None and exchange.method == "POST":
            await self._generation.serve(exchange, dialect, drawn)
            return
        if drawn and await mislead(exchange, drawn, self._settings.role):
            return
        await self._handler(exchange, dialect)(exchange)

    def _handler(self, exchange: Exchange, dialect: Dialect | None) -> Handler:
        path = exchange.path
        methods = self._routes.get("/v1/models/*" if path.startswith("/v1/models/") else path, {})
        if handler := methods.get(exchange.method):
            return handler
        if self._settings.role == "cloud":
            raise cloud.unknown_url(exchange.method, path)
        if not methods and dialect is None:
            raise errors.not_found()
        raise errors.wrong_method(", ".join(methods) or "POST")

    def _check_key(self, exchange: Exchange) -> None:
        key = self._settings.api_key
        given = exchange.header(b"authorization")
        if key is None or given == f"Bearer {key}":
            return
        raise (
            cloud.wrong_key(given.removeprefix("Bearer ")) if self._settings.role == "cloud" else errors.unauthorized()
        )

    def _add_headers(self, exchange: Exchange) -> None:
        if self._settings.role == "cloud":
            exchange.extra += cloud.headers(monotonic() - exchange.began)
            return
        exchange.extra.append((b"vary", b"Origin"))
        if self._settings.request_id_headers:
            name = exchange.header(b"x-request-id") or token_hex(16)
            exchange.extra.append((b"x-request-id", name.encode("latin-1")))

    async def _refuse(self, exchange: Exchange, error: ApiError) -> None:
        if self._settings.role == "cloud" and not exchange.path.startswith("/sim/"):
            error = cloud.dress_error(error)
        if error.bare:
            exchange.extra = [header for header in exchange.extra if header[0] != b"vary"]
        await exchange.answer_json(error.status, error.body, error.headers)


def _routes(plain: Plain, control: Control, role: Role) -> dict[str, Mapping[str, Handler]]:
    operated: dict[str, Mapping[str, Handler]] = {
        "/sim/fault": {"POST": control.set_fault, "DELETE": control.clear},
        "/sim/state": {"GET": control.state},
        "/sim/users": {"GET": control.users},
    }
    if role == "gpus":
        return operated
    if role == "cloud":
        return {**operated, "/v1/models": {"GET": plain.models}, "/v1/models/*": {"GET": plain.one_model}}
    return {
        **operated,
        "/health": {"GET": plain.health},
        "/ping": {"GET": plain.health, "POST": plain.health},
        "/version": {"GET": plain.version},
        "/load": {"GET": plain.load},
        "/metrics": {"GET": plain.metrics},
        "/tokenize": {"POST": plain.tokenize},
        "/detokenize": {"POST": plain.detokenize},
        "/v1/models": {"GET": plain.models},
    }
