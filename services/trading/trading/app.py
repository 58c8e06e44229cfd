"""The HTTP side of trading: `uvicorn --factory trading.app:create_app`."""

from fastapi import FastAPI
from kit.auth import TokenVerifier
from kit.http import create_service
from kit.settings import load

from trading.api import accounts, belongings, executions, orders, performance, portfolio, risk, statements
from trading.config import Settings
from trading.resources import open_resources


def create_app(settings: Settings | None = None, verifier: TokenVerifier | None = None) -> FastAPI:
    """Build the application; nothing is connected before its lifespan begins."""
    app = create_service(
        settings or load(Settings),
        [
            accounts.router,
            orders.router,
            executions.router,
            risk.router,
            portfolio.router,
            performance.router,
            statements.router,
            belongings.router,
        ],
        name="trading",
        open_resources=open_resources,
        verifier=verifier,
    )
    app.state.write_scope, app.state.lends = "trade", True
    return app
