"""How a symbol stands: what its broker showed of it, and what the broker's stream has told since; pure."""

from dataclasses import dataclass, replace
from decimal import Decimal

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
        volume = self._volume_with(heard)
        if volume <= self.day.day_volume:
            return None
        day = replace(
            self.day,
            price=heard.price,
            day_volume=volume,
            open=self.day.open or heard.price,
            high=max(self.day.high, heard.price),
            low=min(self.day.low or heard.price, heard.price),
        )
        return replace(self, day=day)

    def _volume_with(self, trade: Trade) -> Decimal:
        """The day's volume with a trade: as it says, or counted on from what was shown, which has older ones in it."""
        if trade.day_volume is not None:
            return trade.day_volume
        is_shown = self.day.at is not None and trade.at <= self.day.at
        return self.day.day_volume + (0 if is_shown else trade.quantity)
