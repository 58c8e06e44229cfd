"""What trades still have to settle, one row for each date: few rows, however many trades."""

from uuid import UUID

from kit.db import Session
from kit.sql import Statement
from quant.markets.listing import Currency
from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects.postgresql import Insert, insert

from trading.domain.request import AccountId
from trading.domain.settlement import Unsettled
from trading.store.rows import columns_of, values_of
from trading.store.tables import unsettled
from trading.store.together import Write

COLUMNS = columns_of(unsettled, Unsettled)
NAMES = tuple(column.name for column in COLUMNS)
OF_ACCOUNT = (
    unsettled.c.owner_id == bindparam("owner"),
    unsettled.c.account_id == bindparam("account"),
)
ALL = select(*COLUMNS).where(*OF_ACCOUNT).order_by(unsettled.c.settles_on)
OF_CURRENCY = Statement(ALL.where(unsettled.c.currency == bindparam("unit")))


def summing(new: Insert) -> Insert:
    """An insert that adds to what settles on the same date."""
    return new.on_conflict_do_update(
        index_elements=["owner_id", "account_id", "currency", "settles_on"],
        set_={
            "incoming": unsettled.c.incoming + new.excluded.incoming,
            "outgoing": unsettled.c.outgoing + new.excluded.outgoing,
            "replayed": unsettled.c.replayed & new.excluded.replayed,
            "symbol": new.excluded.symbol,
        },
    )


ADD = Statement(summing(insert(unsettled)))
SETTLED = delete(unsettled).where(
    *OF_ACCOUNT, unsettled.c.currency == bindparam("unit"), unsettled.c.settles_on == bindparam("day")
)


async def list_pending(
    session: Session, owner: UUID, account_id: AccountId, currency: Currency | None = None
) -> list[Unsettled]:
    """List what an account has to settle, earliest first, in one currency or all."""
    if currency is None:
        rows = await session.execute(ALL, {"owner": owner, "account": account_id})
        return [Unsettled(**row._mapping) for row in rows]
    found = await OF_CURRENCY.all(session, {"owner": owner, "account": account_id, "unit": currency})
    return [Unsettled(**row) for row in found]


def adding(owner: UUID, item: Unsettled) -> Write:
    """The write that adds what one more trade leaves to be settled. Its account is locked."""
    return Write(ADD, {"owner_id": owner, **values_of(item, NAMES)})


async def delete_settled(session: Session, owner: UUID, item: Unsettled) -> None:
    """Take out what has settled. Its account is locked."""
    given = {"owner": owner, "account": item.account_id, "unit": item.currency, "day": item.settles_on}
    await session.execute(SETTLED, given)
