"""Numbered cases: each runs on every connector it is for. `tools/conformance.py` writes the table of them."""

from collections.abc import Callable
from typing import Any

import pytest
from broker.domain.capabilities import Capabilities

from services.broker.tests.conformance.venues import VENUES

Test = Callable[..., Any]


def case(applies: Callable[[Capabilities], bool] = lambda _: True) -> Callable[[Test], Test]:
    """Run a test on every venue that it applies to; the others do not have it, so nothing is skipped."""
    names = sorted(name for name, (able, _) in VENUES.items() if applies(able))
    return pytest.mark.parametrize("venue", names, indirect=True)
