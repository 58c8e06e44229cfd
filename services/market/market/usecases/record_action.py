"""Record a corporate action, or take one back, and adjust the prices before it."""

from kit.db import Session

from market.domain.adjustment import CorporateAction, adjustments_of
from market.errors import ActionNotFound, StockNotFound
from market.store import actions, instruments, panels


async def record_action(session: Session, action: CorporateAction, *, withdrawn: bool = False) -> None:
    """Store an action of a known symbol; the stored bars stay raw, their adjustments are written anew."""
    instrument = await instruments.find(session, action.symbol)
    if instrument is None:
        raise StockNotFound(f"No bars of {action.symbol} were ever imported.")
    await actions.lock(session)
    if not withdrawn:
        await actions.save(session, action)
    elif not await actions.delete_one(session, action.symbol, action.ex_day, action.kind):
        raise ActionNotFound(f"{action.symbol} has no {action.kind} on {action.ex_day}.")
    # bars that were delivered adjusted must not be adjusted twice
    known = await actions.list_of(session, action.symbol) if instrument.adjustment == "raw" else []
    await actions.save_adjustments(session, action.symbol, adjustments_of(known))
    await panels.save_revision(session, instrument.market)
