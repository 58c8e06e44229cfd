"""Calls a minute: auth says them in steps, the gateway counts each by a zone of its own; the steps are the same."""

import re
from typing import get_args

import pytest
from auth.domain.rights import CallsPerMinute

from tools.native.layout import ROOT

LIMITS = ROOT / "gateway" / "snippets" / "limits.conf"
A_PAGE_AND_THE_NEXT = 30
SECONDS_AT_ONCE = 10


@pytest.mark.requirement("R-32", "R-52")
def test_every_step_but_the_largest_has_a_zone_of_its_rate_and_the_largest_is_everybodys() -> None:
    text = LIMITS.read_text()
    zones = {int(name): int(rate) for name, rate in re.findall(r"zone=calls_(\d+):\w+ rate=(\d+)r/m;", text)}
    bursts = {int(name): int(burst) for name, burst in re.findall(r"zone=calls_(\d+) burst=(\d+) nodelay;", text)}
    *steps, largest = get_args(CallsPerMinute)
    assert zones == {step: step for step in steps}
    at_once = {step: max(A_PAGE_AND_THE_NEXT, step * SECONDS_AT_ONCE // 60) for step in steps}
    assert bursts == {step: calls - 1 for step, calls in at_once.items()}, "one of them is not a burst"
    assert f"zone=user:8m rate={largest // 60}r/s;" in text
