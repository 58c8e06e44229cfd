"""What the broker service remembers: attempts to send orders, and executions."""
