"""Alerts on price, change, volume and rules."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from kit.auth import CurrentUser
from kit.clock import now
from kit.db import OwnedSession
from kit.errors import AUTHENTICATED, NotFound, responses
from kit.ids import new_id
from kit.money import Money
from kit.pagination import BadCursor, Page, PageRequest, encode_cursor
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from quant.markets.intervals import Interval
from quant.rules import TEXT_MAX, RuleError

from notification.api.types import Figure, Symbol, after_id
from notification.domain.alert import Alert, AlertId, Condition, Status
from notification.domain.owner import OwnerId
from notification.domain.rule_alert import require_usable
from notification.errors import ExpiryPassed, InvalidRule, TooManyAlerts
from notification.resources import Opened
from notification.store import alerts
from notification.usecases.create_alert import create_alert

router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"])

PAUSE_SECONDS_MIN, PAUSE_SECONDS_MAX = 60, 604_800


class AlertWish(BaseModel):
    """When to be told: as soon as the figure is at or beyond the value, also if it is already.

    `value` is a price, for `change_above` and `change_below` percent since yesterday's close (-3 for a fall by three),
    for `volume_above` shares of the day. Condition `rule` has no value but a `rule` of the rule language, such as
    `rsi(14) < 30`, which is judged on each bar of `interval` that closes from now on. `pause_seconds` is how long one
    that repeats rests at least.
    """

    model_config = ConfigDict(extra="forbid")

    symbol: Symbol
    condition: Condition
    value: Figure | None = None
    rule: Annotated[str, Field(min_length=1, max_length=TEXT_MAX)] | None = None
    interval: Interval | None = None
    repeat: bool = False
    pause_seconds: Annotated[int, Field(ge=PAUSE_SECONDS_MIN, le=PAUSE_SECONDS_MAX)] = 300
    expires_at: AwareDatetime | None = None

    @model_validator(mode="after")
    def _value_can_be_reached(self) -> "AlertWish":
        if self.condition == "rule":
            if self.value is not None or self.rule is None or self.interval is None:
                raise ValueError("an alert on a rule has a rule and an interval, and no value")
        elif self.value is None or self.rule is not None or self.interval is not None:
            raise ValueError("this condition has a value, and neither rule nor interval")
        elif not self.condition.startswith("change") and self.value <= 0:
            raise ValueError("value must be more than 0; only changes may be negative")
        return self


class AlertShown(BaseModel):
    """An alert. One that repeats is `resting` after triggering, for its pause and until the price has returned.

    `value` is null for one on a rule, and `rule` and `interval` are for all others.
    """

    id: UUID
    symbol: str
    condition: Condition
    value: Money | None
    rule: str | None
    interval: Interval | None
    repeat: bool
    pause_seconds: int
    status: Status
    expires_at: datetime | None
    created_at: datetime
    triggered_at: datetime | None
    triggered_price: Money | None


@router.post("", status_code=201, responses={**AUTHENTICATED, **responses(TooManyAlerts, ExpiryPassed, InvalidRule)})
async def add_alert(body: AlertWish, resources: Opened, user: CurrentUser) -> AlertShown:
    """Be told when a price is reached, or a rule holds.

    Watching prices begins within a second, with the present price; rules are judged from the next closed bar on.
    """
    moment = now()
    if body.rule is not None:
        try:
            require_usable(body.rule)
        except RuleError as wrong:
            raise InvalidRule(wrong.message, wrong.message_ko, wrong.column) from wrong
    alert = Alert(
        id=AlertId(new_id()),
        owner=OwnerId(user.user_id),
        symbol=body.symbol,
        condition=body.condition,
        value=body.value if body.value is not None else Decimal(0),
        repeat=body.repeat,
        status="active",
        expires_at=body.expires_at,
        created_at=moment,
        triggered_at=None,
        triggered_price=None,
        pause_seconds=body.pause_seconds,
        rule=body.rule,
        interval=body.interval,
    )
    async with resources.database.owned(user.user_id) as session:
        await create_alert(session, alert, moment)
    resources.hints.alerts_have_changed(alert.symbol)
    return _shown(alert)


@router.get("", responses={**AUTHENTICATED, **responses(BadCursor)})
async def list_alerts(session: OwnedSession, user: CurrentUser, page: PageRequest) -> Page[AlertShown]:
    """List your alerts, the newest first, done ones included."""
    found = await alerts.list_newest(session, OwnerId(user.user_id), page.limit + 1, after_id(page))
    items = [_shown(alert) for alert in found[: page.limit]]
    more = len(found) > page.limit
    return Page(items=items, next_cursor=encode_cursor(str(items[-1].id)) if more else None)


@router.get("/{alert_id}", responses={**AUTHENTICATED, **responses(NotFound)})
async def get_alert(alert_id: UUID, session: OwnedSession, user: CurrentUser) -> AlertShown:
    """Show one alert."""
    alert = await alerts.find(session, OwnerId(user.user_id), AlertId(alert_id))
    if alert is None:
        raise NotFound("You have no alert with this id.")
    return _shown(alert)


@router.delete("/{alert_id}", status_code=204, responses={**AUTHENTICATED, **responses(NotFound)})
async def delete_alert(alert_id: UUID, resources: Opened, user: CurrentUser) -> Response:
    """Delete an alert, done or not."""
    async with resources.database.owned(user.user_id) as session:
        symbol = await alerts.delete_one(session, OwnerId(user.user_id), AlertId(alert_id))
    if symbol is None:
        raise NotFound("You have no alert with this id.")
    resources.hints.alerts_have_changed(symbol)
    return Response(status_code=204)


def _shown(alert: Alert) -> AlertShown:
    shown = AlertShown.model_validate(alert, from_attributes=True)
    return shown if alert.rule is None else shown.model_copy(update={"value": None})
