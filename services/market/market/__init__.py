"""market: instruments, daily bars, replayed sessions and the quotes everybody watches."""
