"""The settings of the backtest service, from BACKTEST_* variables and secret files."""

from typing import Annotated

from kit.settings import ServiceSettings, StrongSecret, settings_config
from pydantic import Field

COMPUTE_THREADS_MAX = 64


class Settings(ServiceSettings):
    """Where the neighbours are, what proves who we are to them, and how much to compute at a time."""

    model_config = settings_config("BACKTEST_")

    market_url: str
    auth_url: str
    service_secret: StrongSecret
    compute_threads: Annotated[int, Field(ge=1, le=COMPUTE_THREADS_MAX)] = 2
