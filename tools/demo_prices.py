"""What the demo trades: the US sample, or a folder of somebody's own bars."""

from dataclasses import dataclass
from pathlib import Path

from tools.sample_prices import NAMES, write_us_prices
from tools.story import StoryBroke


@dataclass(frozen=True)
class Prices:
    """What the story trades: where the bars are, and what to buy."""

    folder: Path
    market: str
    board: str
    currency: str
    symbol: str
    names: dict[str, str]
    quantity: int
    too_many: int


def prices_from(data: str | None, scratch: Path) -> Prices:
    """Choose the bars: a folder of Korean ones when DATA names it, else the US sample."""
    if not data:
        folder = write_us_prices(scratch / "us")
        return Prices(folder, "US", "US", "USD", "AAPL", NAMES, quantity=4, too_many=30)
    folder = Path(data).expanduser().resolve()
    symbols = sorted(file.stem for file in [*folder.glob("*.csv"), *folder.glob("*.parquet")])
    if not symbols:
        raise StoryBroke(f"DATA={data}: no .csv or .parquet file there, one for each symbol")
    symbol = "005930" if "005930" in symbols else symbols[0]
    if not symbol[0].isdigit():
        return Prices(folder, "US", "US", "USD", symbol, {}, quantity=4, too_many=30)
    return Prices(folder, "KRX", "KOSPI", "KRW", symbol, {}, quantity=40, too_many=1_500)
