"""Rules of the exchanges as dated tables: symbols, boards, ticks, price bands, sessions."""
