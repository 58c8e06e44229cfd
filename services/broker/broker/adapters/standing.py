"""How a symbol stands: what its broker showed of it, and what the broker's stream has told since; pure."""

from dataclasses import dataclass, replace

from broker.adapters.market_data import Depth, Heard, LastPrice, Trade


@dataclass(frozen=True, slots=True)
class Standing:
    """The day so far and the book."""

    day: LastPrice
    book: Depth

    def then(self, heard: Heard) -> "Standing | None":
        """How it stands after that; None when that is no news: a trade that the day's volume has in it already."""
        if not isinstance(heard, Trade):
            return replace(self, book=heard)
        if heard.day_volume <= self.day.day_volume:
            return None
        day = replace(
            self.day,
            price=heard.price,
            day_volume=heard.day_volume,
            open=self.day.open or heard.price,
            high=max(self.day.high, heard.price),
            low=min(self.day.low or heard.price, heard.price),
        )
        return replace(self, day=day)
