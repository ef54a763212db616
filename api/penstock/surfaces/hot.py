"""The hot routes: pure ASGI behind the front, and yet in FastAPI's OpenAPI document like the others."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import partial
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import BaseModel

from penstock.functions.catalog import Function
from penstock.surfaces.front import Handler
from penstock.surfaces.functions import FunctionsSurface
from penstock.surfaces.openai import OpenAISurface
from penstock.surfaces.schemas import REQUESTS, Answer, ErrorBody
from penstock.upstream.dialects import DIALECTS

ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorBody} for status in (400, 401, 404, 408, 413, 415, 422, 429, 500, 502, 503, 504)
}

HotRoutes = dict[str, tuple[str, Handler]]


def openai_routes(app: FastAPI, surface: OpenAISurface) -> HotRoutes:
    """A route for each dialect."""
    routes: HotRoutes = {}
    for dialect in DIALECTS:
        routes[dialect.path] = (dialect.name, partial(surface.answer, dialect=dialect))
        streams = " With `stream`, server-sent events." if dialect.events else ""
        document(app, dialect.path, dialect.name, REQUESTS[dialect.name], Answer, f"OpenAI's {dialect.name}.{streams}")
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
        document(app, f"{path}/stream", f"{function.name}_stream", function.arguments, function.partial, told)
    return routes


def document(app: FastAPI, path: str, name: str, takes: type[BaseModel], gives: Any, says: str) -> None:
    """Put a route into the OpenAPI document that the front answers before FastAPI sees it."""

    def endpoint(body: BaseModel) -> None:
        raise AssertionError(f"{path} is answered by the front")

    body = inspect.Parameter("body", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=takes)
    endpoint.__signature__ = inspect.Signature([body])  # type: ignore[attr-defined]  # what FastAPI reads
    route = APIRoute(
        path,
        endpoint,
        methods=["POST"],
        name=name,
        description=says,
        response_model=gives,
        responses=ERRORS,
        tags=["functions" if path.startswith("/v1/functions") else "openai"],
        operation_id=name,
    )
    app.router.routes.append(route)
