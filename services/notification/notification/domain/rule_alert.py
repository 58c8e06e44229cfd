"""Alerts on a rule: which rules may be waited for, and what a closed bar says about one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from quant.bars import Frame
from quant.rules import RuleError, compile_rule, judge

from notification.domain.alert import Alert, Seen

BARS_MAX: Final = 2_000
"""So many closed bars a rule is judged over at most."""
PATIENCE: Final = timedelta(minutes=15)
"""A bar that could not be judged for so long says nothing about the present any more."""


@dataclass(frozen=True, slots=True)
class DueRule:
    """An alert on a rule, the bar it is to be judged on, and when that bar was announced."""

    alert: Alert
    bar: datetime
    due_at: datetime


def require_usable(rule: str) -> None:
    """RuleError for a rule that cannot be read, or that would never know its numbers."""
    look_back = compile_rule(rule).look_back
    if look_back >= BARS_MAX:
        raise RuleError(
            f"it would need {look_back + 1:,} bars, and is judged over {BARS_MAX:,} at most",
            f"봉이 {look_back + 1:,}개 필요한데 최대 {BARS_MAX:,}개까지 볼 수 있습니다",
            1,
        )


def judge_all(due: Sequence[DueRule], frames: Mapping[str, Frame]) -> list[tuple[DueRule, Seen]]:
    """Judge the newest bar for each that has one; equal questions are asked once. It takes its time: use a thread."""
    known: dict[tuple[str, str], Seen] = {}
    judged = []
    for each in due:
        rule, symbol = each.alert.rule, each.alert.symbol
        if rule is None or symbol not in frames:
            continue
        if (rule, symbol) not in known:
            known[rule, symbol] = see(rule, frames[symbol])
        judged.append((each, known[rule, symbol]))
    return judged


def see(rule: str, frame: Frame) -> Seen:
    """What the newest bar of a frame says about a rule.

    RuleError for a rule that cannot be read.
    """
    judgement = judge(compile_rule(rule), frame)
    close = Decimal(repr(frame["close"][-1].item()))
    readings = tuple((each.text, repr(each.value)) for each in judgement.readings)
    return Seen(close, holds=judgement.holds, readings=readings)
