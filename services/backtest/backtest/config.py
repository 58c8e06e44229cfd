"""The settings of the backtest service, from BACKTEST_* variables and secret files."""

from typing import Annotated

from kit.settings import Port, ServiceSettings, StrongSecret, settings_config
from pydantic import Field

COMPUTE_THREADS_MAX = 64


class Settings(ServiceSettings):
    """Where the neighbours are, what proves who we are to them, and how much to compute at a time."""

    model_config = settings_config("BACKTEST_")

    market_url: str
    auth_url: str
    service_secret: StrongSecret
    compute_threads: Annotated[int, Field(ge=1, le=COMPUTE_THREADS_MAX)] = 2
    compute_port: Port = 8002
    """Where a computer's health and metrics answer."""
    compute_memory_mib: Annotated[int, Field(ge=64, le=65_536)] = 640
    """What computing may take on top of what an idle computer has."""
    compute_seconds: Annotated[float, Field(gt=0, le=600)] = 120
    """How long one chunk may take; RabbitMQ's own patience, half an hour, must be longer."""
