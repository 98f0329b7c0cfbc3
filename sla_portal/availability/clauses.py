"""The clauses of section 4: which there are, and under which a minute is shown that several take off."""

PRECEDENCE = ("4.1", "4.10", "4.11", "4.2", "4.3", "4.4", "4.5", "4.6", "4.7", "4.8", "4.9")

CLAUSES = ("4.1", "4.2", "4.3", "4.4", "4.5", "4.6", "4.7", "4.8", "4.9", "4.10", "4.11")

OWN_CLAUSES = ("4.2", "4.3", "4.4", "4.5", "4.6", "4.7", "4.8", "4.9")
"""Those that mostly lie with one customer and are found in its claim."""
