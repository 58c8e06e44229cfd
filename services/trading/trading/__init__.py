"""trading: accounts, orders, executions, positions and the money they move."""
