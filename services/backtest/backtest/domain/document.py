"""A strategy's document: what it does as JSON with a number of its format, which is how it is kept and published.

A later format gets a number of its own, and a branch in `read`; documents already published stay as they are.
"""

from decimal import Decimal
from typing import Any, Final

from backtest.domain.strategy import Rules

FORMAT: Final = 1

_FRACTIONS: Final = ("stop_loss", "take_profit", "trailing_stop", "volume_share")


class UnknownFormat(Exception):
    """A document of a format this code does not know: it was written by a newer one."""


def write(rules: Rules) -> dict[str, Any]:
    """The document of some rules; decimals are strings without trailing zeros, what is absent is null."""
    return {
        "format": FORMAT,
        "entry": rules.entry,
        "exit": rules.exit,
        "stops": {
            "stop_loss": _text(rules.stop_loss),
            "take_profit": _text(rules.take_profit),
            "trailing_stop": _text(rules.trailing_stop),
            "holding_bars": rules.holding_bars,
        },
        "sizing": {"portion": _text(rules.portion)},
        "costs": {"fee_schedule": rules.fee_schedule, "slippage": _text(rules.slippage)},
        "execution": {"volume_share": _text(rules.volume_share)},
    }


def read(document: dict[str, Any]) -> Rules:
    """The rules of a document. UnknownFormat for one of a later format."""
    if document["format"] != FORMAT:
        raise UnknownFormat(f"format {document['format']} of a strategy is not known, the newest known is {FORMAT}")
    written = {**document["stops"], **document["sizing"], **document["costs"], **document["execution"]}
    for name in _FRACTIONS:
        written[name] = None if written[name] is None else Decimal(written[name])
    written["portion"], written["slippage"] = Decimal(written["portion"]), Decimal(written["slippage"])
    return Rules(entry=document["entry"], exit=document["exit"], **written)


def _text(value: Decimal | None) -> str | None:
    return None if value is None else format(value.normalize(), "f")
