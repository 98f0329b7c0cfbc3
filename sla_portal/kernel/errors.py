class Refused(Exception):
    """Base of the errors by which an operation refuses a request; `str()` is a sentence for the person who made it."""

    field = ""
    """The argument of the operation that caused it, where one did."""
