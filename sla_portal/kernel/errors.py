class Refused(Exception):  # noqa: N818 (errors are named as facts)
    """What an operation raises when it says no; `str()` of it is a sentence for the person who asked."""
