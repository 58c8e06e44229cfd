"""What is measured: each benchmark runs beside a baseline in the same minute, and its result is a ratio."""
