"""Asks what is known against every locked package: `make audit`, `python -m tools.supply.advisories`.

The exit status is 0 when nothing is known, 1 when something is, and 3 when nobody could be asked: that is not a yes.
Who answers speaks the protocol of OSV (querybatch); EXODUS_ADVISORIES_URL names another one, such as a mirror.
"""

import datetime as dt
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import httpx
import yaml

from tools.native.errors import StackError
from tools.supply import locked
from tools.supply.locked import Locked

URL_VARIABLE: Final = "EXODUS_ADVISORIES_URL"
URL_DEFAULT: Final = "https://api.osv.dev"
ACCEPTED: Final = Path(__file__).with_name("accepted.yml")
ASKED_AT_ONCE: Final = 500
SECONDS_MAX: Final = 30
PAGES_MAX: Final = 20
NOTHING_KNOWN, SOMETHING_KNOWN, NOT_ASKED = 0, 1, 3


class NobodyAnswers(StackError):
    """Whoever knows of advisories could not be reached, or did not answer as they should."""


def ask(packages: Sequence[Locked], url: str) -> dict[str, list[Locked]]:
    """Find what is known.

    Returns:
        Advisory id → the packages it is about.

    Raises:
        NobodyAnswers: when there is no complete answer.
    """
    found: dict[str, list[Locked]] = {}
    try:
        with httpx.Client(base_url=url, timeout=SECONDS_MAX) as osv:
            for some in _batches(packages):
                for one, advisories in _answers(osv, some):
                    for advisory in advisories:
                        found.setdefault(advisory, []).append(one)
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as broken:
        raise NobodyAnswers(f"{url} gave no answer that can be used: {type(broken).__name__}: {broken}") from broken
    return found


def _answers(osv: httpx.Client, some: Sequence[Locked]) -> Iterator[tuple[Locked, list[str]]]:
    """The ids for each package; what has more than one page is asked for again, from where it ended."""
    asked = [(one, "") for one in some]
    for _ in range(PAGES_MAX):
        queries = [{"package": {"purl": one.purl}, **({"page_token": page} if page else {})} for one, page in asked]
        answer = osv.post("/v1/querybatch", json={"queries": queries}).raise_for_status().json()["results"]
        if len(answer) != len(asked):
            raise ValueError(f"{len(asked)} packages were asked about, and {len(answer)} answered")
        more = []
        for (one, _), told in zip(asked, answer, strict=True):
            yield one, [each["id"] for each in told.get("vulns", ())]
            if told.get("next_page_token"):
                more.append((one, told["next_page_token"]))
        if not more:
            return
        asked = more
    raise ValueError(f"the answer has more than {PAGES_MAX} pages")


def _batches(packages: Sequence[Locked]) -> Iterator[Sequence[Locked]]:
    for first in range(0, len(packages), ASKED_AT_ONCE):
        yield packages[first : first + ASKED_AT_ONCE]


def accepted(file: Path, today: dt.date) -> dict[str, str]:
    """Advisories that somebody has looked at: id → why it does not concern us. Each holds until a day.

    Raises:
        StackError: when one lacks its reason or its day.
    """
    held: dict[str, str] = {}
    for each in yaml.safe_load(file.read_text()) or ():
        reason, until = each.get("because"), each.get("until")
        if not isinstance(reason, str) or not isinstance(until, dt.date):
            raise StackError(f"{file.name}: {each.get('id')} needs `because:`, a reason, and `until:`, a day")
        if until >= today:
            held[str(each["id"])] = reason
    return held


def main(packages: Iterable[Locked], url: str, excused: dict[str, str]) -> int:
    """Say what is known, and against what."""
    asked = list(packages)
    try:
        found = ask(asked, url)
    except NobodyAnswers as nobody:
        print(f"NOT CHECKED: {nobody}", file=sys.stderr)
        print(f"Nothing is known of {len(asked)} packages. Try where {url} can be reached, or set {URL_VARIABLE}.")
        return NOT_ASKED
    for advisory, about in sorted(found.items()):
        named = ", ".join(sorted({f"{one.name} {one.version}" for one in about}))
        print(f"{advisory}: {named}" + (f" (accepted: {excused[advisory]})" if advisory in excused else ""))
    against = found.keys() - excused.keys()
    print(f"{len(asked)} packages asked about at {url}: {len(against)} advisories to act on")
    return SOMETHING_KNOWN if against else NOTHING_KNOWN


if __name__ == "__main__":
    today = dt.datetime.now(dt.UTC).date()
    everything = sorted({*locked.python(locked.WITH_TOOLS), *locked.python(locked.SHIPPED), *locked.web()}, key=str)
    sys.exit(main(everything, os.environ.get(URL_VARIABLE) or URL_DEFAULT, accepted(ACCEPTED, today)))
