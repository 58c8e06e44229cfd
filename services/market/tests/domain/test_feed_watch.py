"""The stall watchdog knows the calendar."""

from datetime import UTC, datetime, timedelta

from market.domain.feed_watch import SILENCE, FeedChange, FeedWatch

OPEN = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
LATE = SILENCE + timedelta(seconds=1)


def test_silence_in_a_session_is_told_once_and_its_end_once() -> None:
    watch = FeedWatch()
    assert watch.hear("KRX", "kis", "regular", OPEN) is None
    assert watch.judge(OPEN + SILENCE) == []
    assert watch.judge(OPEN + LATE) == [FeedChange("KRX", "kis", True, OPEN)]
    assert watch.judge(OPEN + LATE * 2) == []
    assert watch.hear("KRX", "kis", "regular", OPEN + LATE * 3) == FeedChange("KRX", "kis", False, OPEN)
    assert watch.hear("KRX", "kis", "regular", OPEN + LATE * 3) is None


def test_silence_after_the_close_on_a_holiday_and_after_a_goodbye_is_nothing() -> None:
    watch = FeedWatch()
    close = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
    watch.hear("KRX", "kis", "regular", close - timedelta(seconds=5))
    assert watch.judge(close + LATE) == []
    saturday = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)
    assert watch.judge(saturday) == []
    watch.hear("KRX", "kis", "closed", OPEN)
    assert watch.judge(OPEN + LATE) == []


def test_a_replay_is_watched_at_any_hour_and_feeds_apart_from_each_other() -> None:
    watch = FeedWatch()
    night = datetime(2026, 11, 21, 16, 0, tzinfo=UTC)
    watch.hear("US", "replay", "regular", night)
    watch.hear("KRX", "kis", "regular", night)
    assert watch.judge(night + LATE) == [FeedChange("US", "replay", True, night)]
