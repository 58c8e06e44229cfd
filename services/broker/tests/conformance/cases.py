"""Numbered cases: each runs on every connector it is for. `tools/conformance.py` writes the table of them."""

from collections.abc import Callable
from typing import Any

import pytest
from broker.domain.capabilities import Capabilities

from services.broker.tests.conformance.venues import REAL_VENUES, VENUES

Test = Callable[..., Any]


def case(applies: Callable[[Capabilities], bool] = lambda _: True, *, real: bool = False) -> Callable[[Test], Test]:
    """Run a test on every venue that it applies to; the others do not have it, so nothing is skipped.

    Args:
        applies: by what it can do.
        real: the environments with real money as well.
    """
    venues = VENUES | REAL_VENUES if real else VENUES
    names = sorted(name for name, (able, _) in venues.items() if applies(able))
    return pytest.mark.parametrize("venue", names, indirect=True)
