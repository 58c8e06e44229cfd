"""What others publish and we read over the network, with a deadline and never inside a transaction."""
