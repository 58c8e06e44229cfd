"""Which session a market is in."""

from datetime import UTC, date, datetime

import pytest
from market.domain.sessions import local_day, session_at


@pytest.mark.parametrize(
    ("market", "moment", "session", "day"),
    [
        ("KRX", datetime(2024, 12, 16, 0, 0, tzinfo=UTC), "regular", date(2024, 12, 16)),
        ("KRX", datetime(2024, 12, 15, 23, 59, tzinfo=UTC), "closed", date(2024, 12, 16)),
        ("KRX", datetime(2024, 12, 16, 6, 30, tzinfo=UTC), "closed", date(2024, 12, 17)),
        ("KRX", datetime(2024, 12, 24, 12, 0, tzinfo=UTC), "closed", date(2024, 12, 26)),
        ("US", datetime(2024, 12, 16, 14, 30, tzinfo=UTC), "regular", date(2024, 12, 16)),
        ("US", datetime(2024, 12, 14, 14, 30, tzinfo=UTC), "closed", date(2024, 12, 16)),
    ],
)
def test_a_session_runs_until_its_close_and_then_the_next_one_is_shown(
    market: str, moment: datetime, session: str, day: date
) -> None:
    shown = session_at(market, moment)

    assert (shown.session, shown.trading_date) == (session, day)


def test_today_is_a_matter_of_the_market() -> None:
    moment = datetime(2024, 12, 16, 1, 0, tzinfo=UTC)

    assert local_day("KRX", moment) == date(2024, 12, 16)
    assert local_day("US", moment) == date(2024, 12, 15)
