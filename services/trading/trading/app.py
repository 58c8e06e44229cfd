"""The HTTP side of trading: `uvicorn --factory trading.app:create_app`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from kit.auth import TokenVerifier
from kit.http import create_service
from kit.settings import load

from trading.api import (
    accounts,
    automations,
    belongings,
    dead_man,
    drift,
    executions,
    hooks,
    orders,
    performance,
    portfolio,
    risk,
    signals,
    statements,
)
from trading.api.lanes import ADMITTED, BUSY, Lanes
from trading.api.straight import StraightRoute
from trading.backlog import Backlog
from trading.config import Settings
from trading.resources import Resources, open_resources

ROUTERS = (
    accounts.router,
    orders.router,
    executions.router,
    risk.router,
    dead_man.router,
    portfolio.router,
    performance.router,
    statements.router,
    automations.router,
    drift.router,
    hooks.router,
    hooks.tradingview,
    signals.router,
)


def create_app(settings: Settings | None = None, verifier: TokenVerifier | None = None) -> FastAPI:
    """Build the application; nothing is connected before its lifespan begins."""
    settings = settings or load(Settings)
    backlog = Backlog(most=settings.orders_waiting_max)

    @asynccontextmanager
    async def open_with_backlog(settings: Settings) -> AsyncIterator[Resources]:
        async with open_resources(settings) as resources, backlog.watching(resources.progress):
            yield resources

    app = create_service(
        settings, [belongings.router], name="trading", open_resources=open_with_backlog, verifier=verifier
    )
    for router in ROUTERS:
        app.include_router(router, dependencies=[ADMITTED], responses=BUSY)
    app.state.write_scope, app.state.lends = "trade", True
    app.state.lanes = Lanes.of(settings, backlog)
    app.router.routes.insert(0, StraightRoute(app))
    return app
