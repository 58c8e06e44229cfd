"""What is decided, without clock, database or framework: the standard library and quant only."""
