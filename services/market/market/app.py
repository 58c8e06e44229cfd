"""The API process: `uvicorn market.app:create_app --factory`."""

from fastapi import FastAPI
from kit.auth import TokenVerifier
from kit.http import create_service
from kit.settings import load

from market.api import (
    actions,
    belongings,
    calendar,
    charts,
    figures,
    fundamentals,
    imports,
    indicators,
    instruments,
    internal,
    pipelines,
    quotes,
    replays,
    screens,
    status,
    stocks,
    stream,
    udf,
    watchlists,
)
from market.config import Settings
from market.resources import open_with_hub


def create_app(settings: Settings | None = None, verifier: TokenVerifier | None = None) -> FastAPI:
    """Build market's application."""
    return create_service(
        settings or load(Settings),
        [
            stocks.router,
            quotes.router,
            charts.router,
            actions.router,
            indicators.router,
            screens.router,
            fundamentals.router,
            figures.router,
            watchlists.router,
            status.router,
            calendar.router,
            instruments.router,
            udf.router,
            imports.router,
            replays.router,
            pipelines.router,
            internal.router,
            belongings.router,
            stream.router,
        ],
        name="market",
        open_resources=open_with_hub,
        body_bytes_max=imports.UPLOAD_BYTES_MAX,
        verifier=verifier,
    )
