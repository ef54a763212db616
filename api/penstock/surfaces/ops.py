"""What is asked about the instance itself: is it alive, is it ready, what does it serve, what has it counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel

from penstock import __version__
from penstock.functions.catalog import Function
from penstock.surfaces.auth import check_model
from penstock.surfaces.board import Readiness
from penstock.telemetry.metrics import Metrics, content_type
from penstock.upstream.roster import Roster


class ModelCard(BaseModel):
    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = "penstock"


class ModelList(BaseModel):
    object: Literal["list"] = "list"
    data: list[ModelCard]


class FunctionCard(BaseModel):
    name: str
    description: str
    path: str


class FunctionList(BaseModel):
    data: list[FunctionCard]


class Health(BaseModel):
    status: str
    version: str = __version__


def ops_router(
    roster: Roster, functions: Mapping[str, Function], metrics: Metrics, readiness: Callable[[], Readiness]
) -> APIRouter:
    """The routes; `readiness` is asked at each call."""
    router = APIRouter()

    @router.head("/health/live", include_in_schema=False)
    @router.get("/health/live", tags=["health"])
    async def live() -> Health:
        """The process runs and answers."""
        return Health(status="alive")

    @router.head("/health/ready", include_in_schema=False)
    @router.get("/health/ready", tags=["health"], responses={503: {"model": Health}})
    async def ready() -> Response:
        """Requests may be sent here: it is not draining, and it serves at least one model."""
        state = readiness()
        return JSONResponse(Health(status=state).model_dump(), status_code=200 if state == "ready" else 503)

    @router.get("/metrics", tags=["health"], response_class=PlainTextResponse)
    async def exposition(request: Request) -> Response:
        """Everything counted, for Prometheus."""
        accept = request.headers.get("accept", "")
        return Response(metrics.exposition(accept), media_type=content_type(accept))

    @router.get("/v1/models", tags=["models"])
    async def models(request: Request) -> ModelList:
        """The models that the key may ask for, aliases too."""
        allowed = (pool for pool in roster.models if request.state.caller.may_ask(pool.name))
        names = [name for pool in allowed for name in (pool.name, *pool.aliases)]
        return ModelList(data=[ModelCard(id=name) for name in names])

    @router.get("/v1/models/{model:path}", tags=["models"])
    async def model(model: str, request: Request) -> ModelCard:
        """One model."""
        check_model(request.state.caller, roster.pool(model).name, model)
        return ModelCard(id=model)

    @router.get("/v1/functions", tags=["functions"])
    async def function_list(request: Request) -> FunctionList:
        """The typed functions that the key may call; their schemas stand in /openapi.json."""
        return FunctionList(
            data=[
                FunctionCard(name=each.name, description=each.description, path=f"/v1/functions/{each.name}")
                for each in functions.values()
                if request.state.caller.may_call(each.name)
            ]
        )

    return router
