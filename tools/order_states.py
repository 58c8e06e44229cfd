"""Writes docs/order-states.md from the one table that decides: `python -m tools.order_states [--check]`."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "order-states.md"
OPENING = """# The life of an order · 주문의 상태

Generated from `services/trading/trading/domain/order.py` by `python -m tools.order_states`; a test keeps it fresh. What
is not in this table cannot happen: trading raises, changes nothing, and a human looks at it. Old news (the same again,
or overtaken) is listed in the table of the code and changes nothing; it is left out here.

A new order is `submitted`, `held` when it is a stop, or `denied`. Only a fill can follow an end: it crossed the cancel
and is true all the same.

| in | happens | becomes |
|---|---|---|
"""


def page() -> str:
    """The page as the code says it now."""
    for folder in ("libs/kit", "libs/quant", "services/trading"):
        sys.path.insert(0, str(ROOT / folder))
    from trading.domain.order import OPEN, TRANSITIONS, Happening  # noqa: PLC0415 - importable only now

    fills = {Happening.PARTIALLY_FILLED, Happening.FILLED}
    lines = [
        f"| `{status}` | {happening} | `{after}` |\n"
        for status, row in TRANSITIONS.items()
        for happening, after in row.items()
        if after is not status or happening in fills
    ]
    ended = ", ".join(f"`{status}`" for status in TRANSITIONS if status not in OPEN)
    closing = f"Ends: {ended}. What an order holds is freed when it comes to one, and not before."
    return f"{OPENING}{''.join(lines)}\n{closing}\n"


def main(arguments: list[str]) -> int:
    if "--check" not in arguments:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    if PAGE.read_text(encoding="utf-8") == page():
        return 0
    print("docs/order-states.md is not what the code says: run `python -m tools.order_states` and commit the result")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
