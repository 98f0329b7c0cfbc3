class Refused(Exception):
    """What an operation raises when it says no; `str()` of it is a sentence for the person who asked."""
