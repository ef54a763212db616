"""The hot routes: pure ASGI behind the front, and yet in FastAPI's OpenAPI document like the others."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Mapping
from enum import Enum
from functools import partial
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.sse import EventSourceResponse
from pydantic import BaseModel

from penstock.functions.catalog import Function
from penstock.surfaces.front import Handler
from penstock.surfaces.functions import FunctionsSurface
from penstock.surfaces.openai import OpenAISurface
from penstock.surfaces.schemas import REQUESTS, Answer
from penstock.upstream.dialects import DIALECTS

ERROR = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorBody"}}}}
STATUSES = (400, 401, 403, 404, 408, 413, 415, 422, 429, 431, 500, 502, 503, 504)
ERRORS: dict[int | str, dict[str, Any]] = dict.fromkeys(STATUSES, ERROR)
"""Of routes that answer with JSON or with events: an error is JSON."""
EVENTS: dict[int | str, dict[str, Any]] = {200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}}

HotRoutes = dict[str, tuple[str, Handler]]


def openai_routes(app: FastAPI, surface: OpenAISurface) -> HotRoutes:
    """A route for each dialect."""
    routes: HotRoutes = {}
    for dialect in DIALECTS:
        routes[dialect.path] = (dialect.name, partial(surface.answer, dialect=dialect))
        streams = " With `stream`, server-sent events." if dialect.events else ""
        says = f"OpenAI's {dialect.name}.{streams}"
        events = EVENTS if dialect.events else {}
        document(app, dialect.path, dialect.name, REQUESTS[dialect.name], Answer, says, responses=events)
    return routes


def function_routes(app: FastAPI, surface: FunctionsSurface, functions: Mapping[str, Function]) -> HotRoutes:
    """Two routes for each function: the value at once, and as it grows."""
    routes: HotRoutes = {}
    for function in functions.values():
        path = f"/v1/functions/{function.name}"
        routes[path] = ("functions", partial(surface.answer, function=function))
        routes[f"{path}/stream"] = ("functions", partial(surface.stream, function=function))
        document(app, path, function.name, function.arguments, function.returns, function.description)
        told = f"{function.description} As server-sent events: `partial`, then `final` or `error`."
        document_stream(app, f"{path}/stream", f"{function.name}_stream", function.arguments, function.partial, told)
    return routes


def document(app: FastAPI, path: str, name: str, takes: type[BaseModel], gives: Any, says: str, **about: Any) -> None:
    """Put a route into the OpenAPI document that the front answers before FastAPI sees it."""

    def endpoint(body: BaseModel) -> None:
        raise AssertionError(f"{path} is answered by the front")

    _add(app, path, name, endpoint, _signature(takes), description=says, response_model=gives, **about)


def document_stream(app: FastAPI, path: str, name: str, takes: type[BaseModel], gives: Any, says: str) -> None:
    """The same for one that answers with events, each holding such a value."""

    async def endpoint(body: BaseModel) -> AsyncIterator[Any]:
        yield body  # which makes it what FastAPI knows a stream by; the front answers it

    signature = _signature(takes).replace(return_annotation=AsyncIterator[gives])
    _add(app, path, name, endpoint, signature, description=says, response_class=EventSourceResponse)


def _signature(takes: type[BaseModel]) -> inspect.Signature:
    return inspect.Signature([inspect.Parameter("body", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=takes)])


def _add(
    app: FastAPI, path: str, name: str, endpoint: Callable[..., Any], signature: inspect.Signature, **about: Any
) -> None:
    endpoint.__signature__ = signature  # type: ignore[attr-defined]  # what FastAPI reads
    about["responses"] = ERRORS | about.get("responses", {})
    tags: list[str | Enum] = ["functions" if path.startswith("/v1/functions/") else "openai"]
    route = APIRoute(path, endpoint, methods=["POST"], name=name, tags=tags, operation_id=name, **about)
    app.router.routes.append(route)
