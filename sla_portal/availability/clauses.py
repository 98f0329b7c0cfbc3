"""The clauses of section 4, and the order of precedence for a minute that several exclude."""

PRECEDENCE = ("4.1", "4.10", "4.11", "4.2", "4.3", "4.4", "4.5", "4.6", "4.7", "4.8", "4.9")

CLAUSES = ("4.1", "4.2", "4.3", "4.4", "4.5", "4.6", "4.7", "4.8", "4.9", "4.10", "4.11")

CUSTOMER_CLAUSES = ("4.2", "4.3", "4.4", "4.5", "4.6", "4.7", "4.8", "4.9")
"""Causes on the customer's side (4.2 to 4.9), mostly found while a claim is reviewed."""
