"""What notification decides: how a notice reads, when an alert triggers; pure."""
