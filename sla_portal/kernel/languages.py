"""The language of a text that a person typed."""

import re

HAN = re.compile(r"[\u3400-\u9fff]")


def text_language(text: str) -> str:
    """Return the language tag of a text: Chinese if it has a Chinese character, or else English."""
    return "zh-hans" if HAN.search(text) else "en"
