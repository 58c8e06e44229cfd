"""The API process: `uvicorn --factory backtest.app:create_app`."""

from fastapi import FastAPI
from kit.auth import TokenVerifier
from kit.http import create_service
from kit.settings import load

from backtest.api import (
    belongings,
    comparisons,
    imports,
    insights,
    job_socket,
    job_stream,
    jobs,
    reports,
    results,
    rules,
    runs,
    searches,
    strategies,
)
from backtest.config import Settings
from backtest.resources import open_resources


def create_app(settings: Settings | None = None, verifier: TokenVerifier | None = None) -> FastAPI:
    """Build the application; nothing is connected before it starts."""
    settings = settings or load(Settings)
    asking = [
        strategies.router,
        imports.router,
        rules.router,
        runs.router,
        searches.router,
        jobs.router,
        job_stream.router,
        job_socket.router,
    ]
    routers = [*asking, results.router, reports.router, insights.router, comparisons.router, belongings.router]
    return create_service(settings, routers, name="backtest", open_resources=open_resources, verifier=verifier)
