"""The HTTP and WebSocket application: `uvicorn notification.app:create_app --factory`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from kit.auth import TokenVerifier
from kit.http import create_service
from kit.settings import load

from notification.api import account_stream, alerts, belongings, channels, deliveries, notifications, preferences
from notification.config import Settings
from notification.resources import Resources, open_resources
from notification.tasks import stop


@asynccontextmanager
async def open_with_hub(settings: Settings) -> AsyncIterator[Resources]:
    """Open the resources, and bring streams to clients while they are open."""
    async with open_resources(settings) as resources:
        serving = asyncio.create_task(resources.hub.run(), name="hub")
        try:
            yield resources
        finally:
            await stop(serving)


def create_app(settings: Settings | None = None, verifier: TokenVerifier | None = None) -> FastAPI:
    """Build the application."""
    return create_service(
        settings or load(Settings),
        [
            preferences.router,
            channels.router,
            deliveries.router,
            notifications.router,
            alerts.router,
            account_stream.router,
            belongings.router,
        ],
        name="notification",
        open_resources=open_with_hub,
        verifier=verifier,
    )
