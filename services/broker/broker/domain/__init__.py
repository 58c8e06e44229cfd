"""What an order to a broker is, what a broker can say about it, and what follows: no clock, database or network."""
