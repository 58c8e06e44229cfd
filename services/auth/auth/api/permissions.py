"""What somebody may do besides the role, as administrators set it and everybody sees it of themselves."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from auth.domain.rights import DAILY_TRADES_MAX, CallsPerMinute


class PermissionsShown(BaseModel):
    """What somebody may do besides the role, all of it.

    `daily_trades_max` is over all accounts; null is no bound of the operator's. `calls_per_minute_max` is over all
    services: what ten seconds bring at once (30 at least), then as they come back.
    """

    model_config = ConfigDict(extra="forbid")

    paper: StrictBool
    real: StrictBool
    premium: StrictBool
    daily_trades_max: Annotated[int, Field(ge=0, le=DAILY_TRADES_MAX)] | None
    calls_per_minute_max: CallsPerMinute
