"""Pure trading mathematics shared by every service: market rules, costs, matching, indicators, rules, backtests."""
