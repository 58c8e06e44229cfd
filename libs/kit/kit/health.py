"""Whether a process lives, whether it can work, and its metrics: the same for APIs and workers."""

import gc
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import fields
from typing import Any

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from kit.errors import problem
from kit.json import dumps

GARBAGE_ALLOCATIONS = 10_000
"""How many objects may be made before the youngest are looked through; Python's own default is 700."""


def settle_memory() -> None:
    """Tell the garbage collector, once everything is loaded, not to look through it all again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_ALLOCATIONS, 20, 50)


async def not_ready(resources: Any, **others: Callable[[], Awaitable[object]]) -> dict[str, str]:
    """Ask everything a process depends on whether it answers; return what does not, with the kind of failure."""
    failures: dict[str, str] = {}
    pings = {field.name: getattr(getattr(resources, field.name), "ping", None) for field in fields(resources)}
    for name, ping in (pings | others).items():
        try:
            await ping() if ping else None
        except Exception as failed:  # noqa: BLE001 - any failure at all means: not ready
            failures[name] = type(failed).__name__
    return failures


def health_router(prefixes: Sequence[str] = ("",), **others: Callable[[], Awaitable[object]]) -> APIRouter:
    """Build /health/live, /health/ready and /metrics under prefixes; `app.state.resources` and others are asked."""
    router = APIRouter()

    async def live() -> dict[str, str]:
        return {"status": "ok"}

    async def ready(request: Request) -> Response:
        if failures := await not_ready(request.app.state.resources, **others):
            return problem(503, "not_ready", f"Waiting for {', '.join(failures)}.", failures=failures)
        return Response(dumps({"status": "ok"}), media_type="application/json")

    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    for prefix in prefixes:
        router.add_api_route(f"{prefix}/health/live", live)
        router.add_api_route(f"{prefix}/health/ready", ready)
    router.add_api_route("/metrics", metrics)
    return router
