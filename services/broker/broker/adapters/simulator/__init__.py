"""The simulator: a small exchange for paper accounts, with durable books of its own, fed by the market's quotes."""
