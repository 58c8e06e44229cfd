"""Broker: the one place that crosses the line to the outside; sends orders, hears of executions, announces both."""
