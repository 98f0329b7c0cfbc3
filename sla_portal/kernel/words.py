"""Mark sentences of rules for translation. The page, e-mail or command that shows one translates it."""


def gettext_noop(sentence: str) -> str:
    """Mark `sentence` for translation and return it unchanged."""
    return sentence
