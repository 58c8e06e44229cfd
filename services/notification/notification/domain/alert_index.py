"""The alerts on one symbol, so kept that a quote looks only at those it may concern.

Most alerts wait for a price. Those lie sorted by it, so that a quote finds the ones it meets by halving, and passes
over all others at once: what a quote costs grows with the logarithm of the alerts on its symbol, and with those it
triggers.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal

from notification.domain.alert import Alert, AlertId, Seen, Step, step

Bound = tuple[Decimal, AlertId]


class AlertIndex:
    """Alerts by id, and those that wait for a price by that price."""

    def __init__(self, alerts: Iterable[Alert] = ()) -> None:
        self._all: dict[AlertId, Alert] = {}
        self._above: list[Bound] = []
        self._below: list[Bound] = []
        self._others: dict[AlertId, Alert] = {}
        for alert in alerts:
            self.put(alert)

    def __contains__(self, alert_id: object) -> bool:
        return alert_id in self._all

    def __iter__(self) -> Iterator[Alert]:
        return iter(self._all.values())

    def __len__(self) -> int:
        return len(self._all)

    def put(self, alert: Alert) -> None:
        """Watch an alert, or watch it as it is now."""
        self.drop(alert.id)
        self._all[alert.id] = alert
        bounds = self._bounds_of(alert)
        if bounds is None:
            self._others[alert.id] = alert
        else:
            insort(bounds, (alert.value, alert.id))

    def drop(self, alert_id: AlertId) -> None:
        """Watch an alert no more."""
        alert = self._all.pop(alert_id, None)
        if alert is None:
            return
        bounds = self._bounds_of(alert)
        if bounds is None:
            del self._others[alert_id]
        else:
            del bounds[bisect_left(bounds, (alert.value, alert_id))]

    def take(self, seen: Seen, now: datetime) -> list[tuple[Alert, Step]]:
        """Take out the alerts a quote means something for, with what it means."""
        found: list[tuple[Alert, Step]] = []
        for alert in self._concerned(seen):
            decided = step(alert, seen, now)
            if decided is not Step.NOTHING:
                found.append((alert, decided))
        for alert, _ in found:
            self.drop(alert.id)
        return found

    def _concerned(self, seen: Seen) -> Iterator[Alert]:
        met = self._above[: bisect_right(self._above, seen.price, key=_value)]
        met += self._below[bisect_left(self._below, seen.price, key=_value) :]
        yield from (self._all[alert_id] for _, alert_id in met)
        yield from self._others.values()

    def _bounds_of(self, alert: Alert) -> list[Bound] | None:
        """Where an alert waits for its price; None for one that waits for anything else, or rests."""
        if alert.status != "active":
            return None
        return {"price_above": self._above, "price_below": self._below}.get(alert.condition)


def _value(bound: Bound) -> Decimal:
    return bound[0]
