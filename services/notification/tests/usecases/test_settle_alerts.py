"""What was decided for many alerts of an owner, in one go."""

from dataclasses import replace
from decimal import Decimal

from kit.clock import now
from kit.ids import new_id
from notification.domain.alert import Alert, Decided, Seen, Step
from notification.resources import Resources
from notification.store import alerts
from notification.usecases.settle_alerts import settle_alerts
from sqlalchemy import text

from services.notification.tests.people import an_alert, save_alert

MET = Seen(Decimal("100.5"))


async def settled(worker: Resources, *decided: Decided) -> list[Alert]:
    owner = decided[0].alert.owner
    async with worker.database.owned(owner) as session:
        return await settle_alerts(session, owner, decided, now(), worker.hints.owner_was_told)


async def told(worker: Resources, alert: Alert) -> list[str]:
    """Of which alerts the owner's inbox tells."""
    async with worker.database.owned(alert.owner) as session:
        return list(await session.scalars(text("SELECT data->>'alert_id' FROM notifications")))


async def test_each_is_done_as_the_table_has_it_whatever_else_is_in_the_portion(worker: Resources) -> None:
    owner = new_id()
    met, repeats, ended, gone = (an_alert("PORTION", owner=owner, repeat=n == 1) for n in range(4))
    rested = an_alert("PORTION", owner=owner, repeat=True)
    for alert in (met, repeats, ended, rested):
        await save_alert(worker, alert)
    resting = replace(rested, status="resting", triggered_at=now(), triggered_price=MET.price)
    async with worker.database.owned(owner) as session:
        await alerts.save_steps(session, met.owner, [replace(ended, status="expired"), resting])
    decided = [Decided(alert, MET, Step.TRIGGER, new_id()) for alert in (gone, met, ended, repeats)]
    waiting = await settled(worker, *decided, Decided(rested, Seen(Decimal(99)), Step.REARM, new_id()))
    assert {(alert.id, alert.status) for alert in waiting} == {(repeats.id, "resting"), (rested.id, "active")}
    async with worker.database.owned(owner) as session:
        stands = await alerts.lock_all(session, met.owner, [each.alert.id for each in decided])
    assert {key: (alert.status, alert.triggered_price) for key, alert in stands.items()} == {
        met.id: ("triggered", MET.price),
        repeats.id: ("resting", MET.price),
        ended.id: ("expired", None),
    }
    assert sorted(await told(worker, met)) == sorted([str(met.id), str(repeats.id)])


async def test_whoever_comes_second_tells_nobody(worker: Resources) -> None:
    alert = an_alert("TWICE")
    await save_alert(worker, alert)
    for _ in range(2):
        assert await settled(worker, Decided(alert, MET, Step.TRIGGER, new_id())) == []
    assert await told(worker, alert) == [str(alert.id)]
