"""Connectors with a bug each, of the kind that has cost others money: runs of faults have to find every one of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from broker.adapters.daylist import DayList, KeysOf, Row, Wire
from broker.adapters.port import LineFailure, Unreachable
from broker.domain.order import Absent, Accepted, Ambiguous, ClientKey, OrderIntent, Refused

Found = Accepted | Refused | Absent | Ambiguous


class ResendsAfterSilence(DayList):
    """What had no answer is sent again."""

    async def submit(self, order: OrderIntent, key: ClientKey) -> Accepted | Refused:
        try:
            return await super().submit(order, key)
        except Unreachable:
            return await super().submit(order, key)


class TakesSilenceForNo(DayList):
    """What had no answer counts as refused."""

    async def submit(self, order: OrderIntent, key: ClientKey) -> Accepted | Refused:
        try:
            return await super().submit(order, key)
        except Unreachable as silent:
            return Refused("rejected_by_broker", str(silent))


class AdoptsWhatIsKnown(DayList):
    """Numbers that belong to other orders of ours count as nobody's."""

    def __init__(self, wire: Wire, _: KeysOf) -> None:
        async def nobody(_: Sequence[str]) -> Mapping[str, ClientKey]:
            return {}

        super().__init__(wire, nobody)


class ForgetsTheClock(DayList):
    """An order is taken for ours whenever it was placed."""

    def _is_like(self, row: Row, order: OrderIntent, _: datetime) -> bool:
        return super()._is_like(row, order, row.at)


class TakesTheFirst(DayList):
    """Of two candidates, the earlier one is taken."""

    async def find(self, order: OrderIntent, key: ClientKey, sent_at: datetime) -> Found:
        found = await super().find(order, key, sent_at)
        return Accepted(found.candidates[0], sent_at) if isinstance(found, Ambiguous) else found


class TakesBlindnessForAbsence(DayList):
    """A list that cannot be read counts as one without the order."""

    async def find(self, order: OrderIntent, key: ClientKey, sent_at: datetime) -> Found:
        try:
            return await super().find(order, key, sent_at)
        except LineFailure:
            return Refused("not_placed", "The broker shows no such order.")


BUGS = (
    ResendsAfterSilence,
    TakesSilenceForNo,
    AdoptsWhatIsKnown,
    ForgetsTheClock,
    TakesTheFirst,
    TakesBlindnessForAbsence,
)
