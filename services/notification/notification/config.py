"""Every setting of notification."""

from typing import Annotated

from kit.settings import ServiceSettings, settings_config
from pydantic import Field


class Settings(ServiceSettings):
    """Read once, in app.py and worker.py."""

    model_config = settings_config("NOTIFICATION_")

    stream_days: Annotated[int, Field(ge=1, le=90)] = 7
    """How long a client may be away and still resume; older messages are forgotten."""
    inbox_days: Annotated[int, Field(ge=1, le=3650)] = 365
    """How long notices stay in the inbox."""
