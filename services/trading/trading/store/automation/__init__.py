"""What is read of automations beyond one owner."""
