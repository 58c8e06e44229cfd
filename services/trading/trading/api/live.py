"""What real money asks of whoever sets something up with it: the switch, the permission, and a fresh proof."""

from kit.auth import Identity, recent_user

from trading.errors import LiveNotPermitted
from trading.resources import Resources

REAL_MONEY = "real"
"""What a token calls the permission."""


def require_live(user: Identity, resources: Resources) -> None:
    """Let somebody pass who may begin to trade with real money now.

    Raises:
        LiveNotPermitted: while the operator has not switched it on, or has not given this person the permission.
        StepUpRequired: when it is too long ago that they proved who they are.
    """
    if not resources.limits.live_allowed:
        raise LiveNotPermitted(
            "The operator has not switched trading with real money on: TRADING_LIVE_ALLOWED and BROKER_LIVE_ALLOWED"
            " are theirs to set."
        )
    if REAL_MONEY not in user.permissions:
        raise LiveNotPermitted("You may trade on paper only: ask the operator for the permission `real`.")
    recent_user(user)
