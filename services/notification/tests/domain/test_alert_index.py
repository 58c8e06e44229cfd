"""The index finds what looking at every alert would, and looks at few."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from kit.ids import new_id
from notification.domain.alert import Alert, AlertId, Seen, Step, step
from notification.domain.alert_index import AlertIndex
from notification.domain.owner import OwnerId

NOW = datetime(2026, 11, 20, 1, tzinfo=UTC)
PRICES = st.integers(90, 110).map(Decimal)


def an_alert(condition: str, value: Decimal, status: str, *, expired: bool) -> Alert:
    return Alert(
        id=AlertId(new_id()),
        owner=OwnerId(new_id()),
        symbol="005930",
        condition=condition,  # type: ignore[arg-type]
        value=value,
        repeat=status == "resting",
        status=status,  # type: ignore[arg-type]
        expires_at=NOW - timedelta(seconds=1) if expired else None,
        created_at=NOW,
        triggered_at=NOW - timedelta(hours=1) if status == "resting" else None,
        triggered_price=None,
    )


ALERTS = st.builds(
    an_alert,
    st.sampled_from(["price_above", "price_below", "change_above", "change_below", "volume_above"]),
    PRICES,
    st.sampled_from(["active", "active", "resting"]),
    expired=st.sampled_from([False, False, True]),
)
QUOTES = st.builds(Seen, PRICES, st.one_of(st.none(), PRICES), st.one_of(st.none(), st.integers(90, 110)))


@given(st.lists(ALERTS, max_size=20), st.lists(QUOTES, max_size=8))
def test_it_takes_exactly_what_looking_at_every_alert_would(alerts: list[Alert], quotes: list[Seen]) -> None:
    index, plain = AlertIndex(alerts), {alert.id: alert for alert in alerts}
    for seen in quotes:
        wanted = {
            alert.id: decided for alert in plain.values() if (decided := step(alert, seen, NOW)) is not Step.NOTHING
        }
        taken = index.take(seen, NOW)
        assert {alert.id: decided for alert, decided in taken} == wanted
        for alert, decided in taken:
            del plain[alert.id]
            assert alert.id not in index
            if decided is Step.REARM:
                plain[alert.id] = replace(alert, status="active")
                index.put(plain[alert.id])
        assert len(index) == len(plain)


def test_an_alert_put_again_is_watched_as_it_is_now() -> None:
    alert = an_alert("price_above", Decimal(100), "active", expired=False)
    index = AlertIndex([alert])
    index.put(replace(alert, value=Decimal(105)))
    assert index.take(Seen(Decimal(104)), NOW) == []
    assert len(index.take(Seen(Decimal(105)), NOW)) == 1
    index.drop(alert.id)
    assert len(index) == 0
