"""The best simple programs we can write for the same work: what a ratio is a ratio to."""
