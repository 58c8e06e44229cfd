"""Passwords that were stolen elsewhere and published: what a guesser tries first.

The list is that of the package `zxcvbn` (MIT): the 30,000 most frequent of the ten million that Mark Burnett collected
from leaks. It is read once, when the first password is weighed; a look-up is one in a set.
"""

from functools import cache


@cache
def stolen_passwords() -> frozenset[str]:
    """Return them in lower case, about 4 MB."""
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415 - a third of a second that most processes save

    return frozenset(FREQUENCY_LISTS["passwords"])
