"""For each alarm of deploy/monitoring/rules.yml: figures at which it sounds, and figures that are only nearly as bad.

A figure is `name{labels}`, then its values at every step in promtool's notation: `3x40` stays at 3 for 40 steps,
`0+5x40` grows by 5 at each. `seconds` is when it is looked at. A step is 15 seconds, or 600 where days are looked at.
"""

from dataclasses import dataclass
from typing import Final

HOUR: Final = 3600
Figures = dict[str, str]


@dataclass(frozen=True)
class Case:
    """What is seen, and how often the alarm sounds for it."""

    figures: Figures
    seconds: int
    alarms: int

    @property
    def step_seconds(self) -> int:
        return 15 if self.seconds < HOUR else 600


def pair(seconds: int, bad: Figures, nearly: Figures, alarms: int = 1) -> tuple[Case, Case]:
    return Case(bad, seconds, alarms), Case(nearly, seconds, 0)


def grows(name: str, since_step: int) -> Figures:
    """A counter that is not there at first and then begins with 1, as a labelled one does."""
    return {name: f"_x{since_step} 1x40"}


ANSWERS = 'broker_calls_total{broker="KIS",outcome="answer"}'
FAILURES = 'broker_calls_total{broker="KIS",outcome="glitch"}'
FIRST_WORD = "order_first_word_seconds_bucket"
ASKED = 'http_requests_total{job="trading-api",status="%s"}'
TOOK = 'http_request_seconds_bucket{job="trading-api",le="%s"}'
DISK = 'node_filesystem_%s_bytes{mountpoint="/",fstype="%s"}'

CASES: Final[dict[str, tuple[Case, Case]]] = {
    "OrderWithoutAnswer": pair(
        60, {'order_oldest_seconds{status="unknown"}': "130x10"}, {'order_oldest_seconds{status="accepted"}': "9000x10"}
    ),
    "OrdersSlow": pair(
        660,
        {
            f'{FIRST_WORD}{{le="1"}}': "0+90x60",
            f'{FIRST_WORD}{{le="5"}}': "0+100x60",
            f'{FIRST_WORD}{{le="+Inf"}}': "0+100x60",
        },
        {
            f'{FIRST_WORD}{{le="1"}}': "0+96x60",
            f'{FIRST_WORD}{{le="5"}}': "0+100x60",
            f'{FIRST_WORD}{{le="+Inf"}}': "0+100x60",
        },
    ),
    "SubmitMismatched": pair(
        30, {'submits_mismatched_total{broker="kis"}': "1x10"}, {'submits_mismatched_total{broker="kis"}': "0x10"}
    ),
    "LedgerDisproved": pair(30, {"ledger_accounts_disproved": "1x10"}, {"ledger_accounts_disproved": "0x10"}),
    "LedgerNotProved": pair(
        120,
        {'job_age_seconds{name="prove accounts",instance="a"}': "7600x10"},
        # one worker of two is fresh: that is the one that proves
        {
            'job_age_seconds{name="prove accounts",instance="a"}': "7600x10",
            'job_age_seconds{name="prove accounts",instance="b"}': "60x10",
        },
    ),
    "ClockSkewed": pair(120, {"clock_skew_seconds": "-2.5x10"}, {"clock_skew_seconds": "-1.5x10"}),
    "OutboxBehind": pair(
        150,
        {'events_caught_up_timestamp_seconds{source="trading",instance="a"}': "15x20"},
        # the relay moved to another worker
        {
            'events_caught_up_timestamp_seconds{source="trading",instance="a"}': "15x20",
            'events_caught_up_timestamp_seconds{source="trading",instance="b"}': "0+15x20",
        },
    ),
    "EventsUnheard": pair(
        300,
        {'events_unroutable_total{type="trading.order.filled.v1"}': "0+7x40"},
        {'events_unroutable_total{type="trading.order.filled.v1"}': "7x40"},
    ),
    "DeadLetters": pair(
        120,
        {'rabbitmq_detailed_queue_messages{queue="trading.dead"}': "1x20"},
        {'rabbitmq_detailed_queue_messages{queue="trading.events"}': "1x20"},
    ),
    "QueueLong": pair(
        420,
        {'rabbitmq_detailed_queue_messages{queue="trading.events"}': "1200x40"},
        {'rabbitmq_detailed_queue_messages{queue="trading.events"}': "1200x10 0x30"},
    ),
    "DaysRunOut": pair(3 * HOUR, {'days_ahead{table="events"}': "1x40"}, {'days_ahead{table="events"}': "2x40"}),
    "BusAlarmed": pair(
        30,
        {"rabbitmq_alarms_memory_used_watermark": "0x10", "rabbitmq_alarms_free_disk_space_watermark": "1x10"},
        {"rabbitmq_alarms_memory_used_watermark": "0x10", "rabbitmq_alarms_free_disk_space_watermark": "0x10"},
    ),
    "FeedStalled": pair(
        30, {'feed_stalled{market="KRX",source="kis"}': "1x10"}, {'feed_stalled{market="KRX",source="kis"}': "0x10"}
    ),
    "FeedFull": pair(
        360, {'feed_symbols_left_out{source="kis"}': "3x40"}, {'feed_symbols_left_out{source="kis"}': "3x10 0x30"}
    ),
    "FeedHungUp": pair(
        600,
        {'feed_lines_hung_up_total{source="kis"}': "0+1x40"},
        {'feed_lines_hung_up_total{source="kis"}': "2x40"},
    ),
    "BrokerFailing": pair(540, {ANSWERS: "0+70x40", FAILURES: "0+30x40"}, {ANSWERS: "0+85x40", FAILURES: "0+15x40"}),
    "BrokerLeftAlone": pair(
        300,
        grows('broker_breaker_openings_total{broker="KIS",trouble="block"}', 15),
        {'broker_breaker_openings_total{broker="KIS",trouble="block"}': "3x60"},
    ),
    "FramesDrifted": pair(
        600,
        grows('broker_frames_drifted_total{broker="kis",frame="H0STCNI0"}', 30),
        {'broker_frames_drifted_total{broker="kis",frame="H0STCNI0"}': "1x60"},
    ),
    "RequestsFail": pair(
        540, {ASKED % 200: "0+98x40", ASKED % 503: "0+2x40"}, {ASKED % 200: "0+80x40", ASKED % 422: "0+20x40"}
    ),
    "RequestsSlow": pair(
        960,
        {TOOK % "0.1": "0+90x80", TOOK % "0.5": "0+100x80", TOOK % "+Inf": "0+100x80"},
        {TOOK % "0.1": "0+96x80", TOOK % "0.5": "0+100x80", TOOK % "+Inf": "0+100x80"},
    ),
    "RequestsTurnedAway": pair(
        480,
        {'lane_requests_refused_total{lane="orders"}': "0+20x40"},
        {'lane_requests_refused_total{lane="orders"}': "0+10x40"},
    ),
    "TargetDown": pair(120, {'up{job="trading-worker"}': "0x10"}, {'up{job="trading-worker"}': "1x4 0x2 1x4"}),
    "ServerUnreachable": pair(
        60, {"pg_up": "0x10", "redis_up": "0x10", "nginx_up": "0x10"}, {"pg_up": "1x10", "redis_up": "1x10"}, 3
    ),
    "ConnectionsShort": pair(
        180,
        {'pg_stat_activity_count{state="idle"}': "250x20", "pg_settings_max_connections": "300x20"},
        {'pg_stat_activity_count{state="idle"}': "230x20", "pg_settings_max_connections": "300x20"},
    ),
    "CacheFull": pair(
        360,
        {"redis_memory_used_bytes": "95x40", "redis_memory_max_bytes": "100x40"},
        {"redis_memory_used_bytes": "85x40", "redis_memory_max_bytes": "100x40"},
    ),
    "DiskNearlyFull": pair(
        180,
        {DISK % ("avail", "ext4"): "9x20", DISK % ("size", "ext4"): "100x20"},
        {DISK % ("avail", "tmpfs"): "0x20", DISK % ("size", "tmpfs"): "100x20"},
    ),
    "MemoryShort": pair(
        360,
        {"node_memory_MemAvailable_bytes": "4x40", "node_memory_MemTotal_bytes": "100x40"},
        {"node_memory_MemAvailable_bytes": "6x40", "node_memory_MemTotal_bytes": "100x40"},
    ),
    "BackupTooOld": pair(
        26 * HOUR + 600,
        {"exodus_backup_proved_timestamp_seconds": "0x200"},
        {"exodus_backup_proved_timestamp_seconds": "7200x200"},
    ),
    "LogBehind": pair(
        480,
        {"exodus_backup_log_archived_timestamp_seconds": "0x40"},
        # four minutes behind, and no more
        {"exodus_backup_log_archived_timestamp_seconds": "0x16 0+15x40"},
    ),
    "LogNotProved": pair(
        50 * HOUR + 600,
        {"exodus_backup_log_proved_timestamp_seconds": "0x400"},
        {"exodus_backup_log_proved_timestamp_seconds": "7200x400"},
    ),
    "BackupNeverProved": pair(27 * HOUR, {"up": "1x200"}, {"exodus_backup_proved_timestamp_seconds": "0x200"}),
    "AlarmsNotDelivered": pair(
        600,
        {'alertmanager_notifications_failed_total{integration="email"}': "0+1x40"},
        {'alertmanager_notifications_failed_total{integration="email"}': "7x40"},
    ),
}
