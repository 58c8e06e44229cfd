"""What strategies, runs and results are, and how results come about: pure, on top of quant."""
