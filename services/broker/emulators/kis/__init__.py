"""Korea Investment & Securities as a local server: REST, its error shapes, limits and paging, and its own ledger."""
