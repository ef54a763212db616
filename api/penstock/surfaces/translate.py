"""What FastAPI's own routes raise, in the same words as everything else."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from penstock.errors import (
    FunctionNotFound,
    InternalError,
    InvalidJSON,
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    PenstockError,
)
from penstock.surfaces.cold import ERROR_CODE
from penstock.surfaces.render import error_body, error_headers


async def _render(request: Request, error: Exception) -> Response:
    told = _translated(error, request)
    request.scope["extensions"][ERROR_CODE] = told.code
    headers = {name.decode(): value.decode() for name, value in error_headers(told)}
    if isinstance(error, HTTPException):
        headers |= error.headers or {}  # Allow, of a 405
    return Response(error_body(told), told.status, headers)


def _translated(error: Exception, request: Request) -> PenstockError:
    if isinstance(error, PenstockError):
        return error
    if isinstance(error, RequestValidationError):
        first = error.errors()[0]
        param = ".".join(map(str, first["loc"][1:])) or None
        return InvalidRequest(f"{param or 'The body'}: {first['msg']}.", param=param)
    if isinstance(error, HTTPException) and error.status_code == 404:
        wanted = FunctionNotFound if request.url.path.startswith("/v1/functions/") else NotFound
        return wanted(f"There is no {request.method} {request.url.path[:200]}.")
    if isinstance(error, HTTPException) and error.status_code == 405:
        return MethodNotAllowed(f"{request.method} is not a method of {request.url.path[:200]}.")
    if isinstance(error, HTTPException) and error.status_code == 400:
        return InvalidJSON("The body is not valid JSON in UTF-8.")
    return InternalError("Something went wrong here.")


EXCEPTION_HANDLERS: dict[int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]] = {
    PenstockError: _render,
    RequestValidationError: _render,
    HTTPException: _render,
    Exception: _render,  # and then it is raised again, for the front to log
}
