"""Fills that are booked without locking their accounts first."""
