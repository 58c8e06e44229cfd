"""What auth decides: passwords, e-mail addresses, refresh tokens; pure."""
