"""A service of one table, so that kit is tested on what services do with it."""
