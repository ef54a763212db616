"""The FastAPI application: every route but the hot ones, and the OpenAPI document of all."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from fastapi import APIRouter, FastAPI

from penstock import __version__
from penstock.surfaces.schemas import ErrorBody
from penstock.surfaces.translate import EXCEPTION_HANDLERS

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def application(lifespan: Lifespan, *routers: APIRouter) -> FastAPI:
    app = FastAPI(
        title="Penstock",
        version=__version__,
        lifespan=lifespan,
        redirect_slashes=False,
        redoc_url=None,
        exception_handlers=EXCEPTION_HANDLERS,
        responses={"4XX": {"model": ErrorBody}},  # else it promises errors of FastAPI's own shape
    )
    for router in routers:
        app.include_router(router)
    return app
