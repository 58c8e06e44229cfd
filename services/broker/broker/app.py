"""The broker service's API."""

from fastapi import FastAPI
from kit.auth import TokenVerifier
from kit.http import create_service
from kit.settings import load

from broker.api import belongings, brokers, buying_power, connections, doubts, executions, sync
from broker.config import Settings
from broker.resources import open_resources


def create_app(settings: Settings | None = None, verifier: TokenVerifier | None = None) -> FastAPI:
    """Build the application; uvicorn calls this as a factory."""
    return create_service(
        settings or load(Settings),
        [
            *(brokers.router, connections.router, buying_power.router, sync.router),
            *(doubts.router, executions.router, belongings.router),
        ],
        name="broker",
        open_resources=open_resources,
        verifier=verifier,
    )
