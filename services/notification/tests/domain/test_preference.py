"""Preferences: when a channel is told of what."""

from datetime import UTC, datetime, time

import pytest
from notification.domain.preference import Choice, Plan, Preferences, plan

SEOUL_NIGHT = Preferences(time_zone="Asia/Seoul", quiet_from=time(22), quiet_to=time(7), digest_at=time(18))
NEW_YORK_NOON = Preferences(time_zone="America/New_York", quiet_from=time(12), quiet_to=time(13))


def at(hour: int, minute: int = 0, day: int = 16) -> datetime:
    return datetime(2024, 12, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "choice", "preferences", "moment", "expected"),
    [
        ("alert_triggered", "now", Preferences(), at(3), Plan(at(3), digest=False)),
        ("alert_triggered", "off", Preferences(), at(3), None),
        ("alert_triggered", "now", SEOUL_NIGHT, at(12, 59), Plan(at(12, 59), digest=False)),
        ("alert_triggered", "now", SEOUL_NIGHT, at(13), Plan(at(22), digest=True)),  # 22:00 in Seoul
        ("alert_triggered", "now", SEOUL_NIGHT, at(21, 59), Plan(at(22), digest=True)),
        ("alert_triggered", "now", SEOUL_NIGHT, at(22), Plan(at(22), digest=False)),  # 07:00: it is day
        ("order_filled", "now", SEOUL_NIGHT, at(15), Plan(at(15), digest=False)),
        ("order_filled", "off", SEOUL_NIGHT, at(15), None),
        ("order_filled", "digest", SEOUL_NIGHT, at(3), Plan(at(9), digest=True)),  # 18:00 in Seoul
        ("run_finished", "digest", SEOUL_NIGHT, at(9), Plan(at(9, day=17), digest=True)),
        ("run_finished", "now", NEW_YORK_NOON, at(17, 30), Plan(at(18), digest=True)),
        ("run_finished", "now", NEW_YORK_NOON, at(16, 59), Plan(at(16, 59), digest=False)),
    ],
)
def test_a_channel_is_told_at_once_together_later_or_never(
    kind: str, choice: Choice, preferences: Preferences, moment: datetime, expected: Plan | None
) -> None:
    assert plan(kind, choice, preferences, moment) == expected


def test_the_clock_that_is_put_forward_ends_quiet_hours_an_hour_later_at_most() -> None:
    skipped = Preferences(time_zone="America/New_York", quiet_from=time(1), quiet_to=time(2, 30))
    planned = plan("run_finished", "now", skipped, datetime(2025, 3, 9, 6, 30, tzinfo=UTC))
    assert planned == Plan(datetime(2025, 3, 9, 7, 30, tzinfo=UTC), digest=True)
