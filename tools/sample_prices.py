"""Real prices to begin with: daily bars of five US stocks, 2000 to 2013, from the bokeh-sampledata package.

The package (BSD-3-Clause) was made to carry sample data; nothing of it is kept in this repository.
"""

import csv
from pathlib import Path

TICKERS = ("AAPL", "FB", "GOOG", "IBM", "MSFT")
COLUMNS = ("date", "open", "high", "low", "close", "volume")
NAMES = {
    "AAPL": "Apple",
    "FB": "Meta Platforms",
    "GOOG": "Alphabet",
    "IBM": "IBM",
    "MSFT": "Microsoft",
}


def write_us_prices(folder: Path) -> Path:
    """Write one CSV per ticker into a folder, and return the folder."""
    from bokeh_sampledata import stocks  # noqa: PLC0415 - reads its files when imported, which only the demo needs

    folder.mkdir(parents=True, exist_ok=True)
    for ticker in TICKERS:
        bars = getattr(stocks, ticker)
        with (folder / f"{ticker}.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows(zip(*(bars[column] for column in COLUMNS), strict=True))
    return folder
