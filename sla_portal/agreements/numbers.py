"""Numbers with their units as an agreement prints them, and those that a text holds.

Pure. English: *thirty (30) days*, *99.99 %*, *fifth (5th) working day*; Chinese: *三十（30）日*, *99.99%*, *第五（5）个工作日*.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import Enum


class Unit(Enum):
    """What is counted."""

    PERCENT = "percent"
    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"
    WORKING_DAY = "working day"
    """Its ordinal (the fifth working day), not a count."""


ONES = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
]  # fmt: skip
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
    "twelve": "twelfth",
}  # fmt: skip
HAN = "零一二三四五六七八九"
HAN_TENS = {"十": 10, "百": 100, "千": 1000}
HAN_UNITS = {
    Unit.MINUTE: "分钟", Unit.HOUR: "小时", Unit.DAY: "日", Unit.MONTH: "个月", Unit.WORKING_DAY: "个工作日",
}  # fmt: skip


def quantity(value: Decimal | int, unit: Unit, language: str) -> str:
    """Return a number with its unit in legal form: in words and figures, a share of a hundred in figures alone."""
    chinese = language.startswith("zh")
    if unit is Unit.PERCENT:
        return f"{figures(Decimal(value))}{'' if chinese else ' '}%"
    number = int(value)
    if chinese:
        return f"{'第' if unit is Unit.WORKING_DAY else ''}{in_chinese(number)}（{number}）{HAN_UNITS[unit]}"
    if unit is Unit.WORKING_DAY:
        return f"{_ordinal(in_english(number))} ({number}{_ending(number)}) working day"
    return f"{in_english(number)} ({number}) {unit.value}{'' if number == 1 else 's'}"


def figures(value: Decimal) -> str:
    """The number in figures alone."""
    return f"{value.normalize():f}"


def in_english(number: int) -> str:
    """Return a number below a million in English words."""
    if number < 20:
        return ONES[number]
    if number < 100:
        return "-".join([TENS[number // 10 - 2], *([ONES[number % 10]] if number % 10 else [])])
    size, name = (1000, "thousand") if number >= 1000 else (100, "hundred")
    rest = number % size
    joint = "" if not rest else " and " if rest < 100 else " "
    return f"{in_english(number // size)} {name}{joint}{in_english(rest) if rest else ''}"


def _ordinal(words: str) -> str:
    head, last = re.fullmatch(r"(.*[- ])?(.+)", words).groups("")  # type: ignore[union-attr]
    return head + (ORDINALS.get(last) or (f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th"))


def _ending(number: int) -> str:
    return "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")


def in_chinese(number: int) -> str:
    """Return a number below a hundred million in Chinese numerals."""
    if number >= 10_000:
        rest = number % 10_000
        return in_chinese(number // 10_000) + "万" + (("零" if rest < 1000 else "") + in_chinese(rest) if rest else "")
    if number == 0:
        return "零"
    written, gap = "", False
    for sign, size in (("千", 1000), ("百", 100), ("十", 10), ("", 1)):
        digit, number = divmod(number, size)
        if digit:
            written += ("零" if gap else "") + HAN[digit] + sign
        gap = bool(written) and not digit
    return written.removeprefix("一") if written.startswith("一十") else written


# The numbers of a text

_CARDINALS = {word: value for value, word in enumerate(ONES)} | {
    word: 10 * value for value, word in enumerate(TENS, 2)
}  # fmt: skip
WORDS = _CARDINALS | {_ordinal(word): value for word, value in _CARDINALS.items()} | {"hundred": 100, "thousand": 1000}
_ANY = "|".join(sorted(WORDS, key=len, reverse=True))
_NUMBER = (
    r"(?:\d+(?:[.,]\d+)*(?:st|nd|rd|th)?(?!\w)|\d+(?:[.,]\d+)*(?=h\b|[^\W\d_a-z])|[零〇一二两三四五六七八九十百千万]+"
    rf"|(?<![a-z])(?:{_ANY})(?:(?:[\s-]+(?:and[\s-]+|point[\s-]+)?)(?:{_ANY}))*(?![a-z]))"
)
_KIND = r"(?:full|whole|clear|calendar|consecutive|natural|complete|个|整|完整|自然|连续|日历)"
_UNITS = (
    (Unit.WORKING_DAY, r"(?:working|business)[\s-]*days?(?![a-z])|工作日"),
    (Unit.PERCENT, r"%|per\s*cent(?:um)?(?![a-z])"),
    (Unit.MINUTE, r"min(?:ute)?s?(?![a-z])|分钟"),
    (Unit.HOUR, r"(?:hours?|hrs?|h)(?![a-z])|小时|钟头"),
    (Unit.MONTH, r"months?(?![a-z])|(?<=个)月|(?<=个自然)月|(?<=个日历)月"),
    (Unit.DAY, r"days?(?![a-z])|日|天"),
)
_UNIT = "|".join(f"(?P<{unit.name}>{pattern})" for unit, pattern in _UNITS)
QUANTITY = re.compile(
    rf"(?P<number>{_NUMBER})(?:\s*\(\s*(?P<again>{_NUMBER})\s*\))?[\s-]*\(?(?:{_KIND}[\s-]*)*(?:{_UNIT})"
    r"|百分之(?P<share>[零〇一二两三四五六七八九十百点]+|\d+(?:\.\d+)?)",
    re.IGNORECASE,
)
FIGURES = re.compile(r"\d+(?:[.,]\d+)*")


@dataclass(frozen=True)
class Quantity:
    """A number with its unit as a text holds it; `value` is None where the number cannot be read."""

    value: Decimal | None
    unit: Unit
    text: str


def plain(text: str) -> str:
    """Return a text as it is read: one width of signs, single blanks, and nothing invisible."""
    seen = "".join(sign for sign in unicodedata.normalize("NFKC", text) if unicodedata.category(sign) != "Cf")
    return " ".join(seen.split())


def quantities_in(text: str) -> list[Quantity]:
    """Return the numbers with a unit in a `plain` text, in figures or words of either language."""
    found = []
    for match in QUANTITY.finditer(text):
        if match["share"]:
            found.append(Quantity(value_of(match["share"]), Unit.PERCENT, match[0]))
            continue
        unit = next(unit for unit, _pattern in _UNITS if match[unit.name])
        values = {value_of(match[name]) for name in ("number", "again") if match[name]}
        found += [Quantity(value, unit, match[0]) for value in sorted(values, key=str)]
    return found


def all_numbers_in(text: str) -> Counter[str]:
    """Return the numbers of a `plain` text, so that those of two languages can be compared."""
    quantities = quantities_in(text)
    rest = QUANTITY.sub(" ", text)
    others = [str(value_of(one)) for one in FIGURES.findall(rest)]
    return Counter([*(f"{one.value} {one.unit.value}" for one in quantities), *others])


def value_of(written: str) -> Decimal | None:
    """Return the value of a number in figures, English words or Chinese numerals; None if it is none."""
    written = written.lower().strip()
    if re.match(r"\d", written):
        digits = re.sub(r"(?:st|nd|rd|th)$", "", written)
        if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", digits):
            digits = digits.replace(",", "")
        try:
            return Decimal(digits.replace(",", ".")).normalize()
        except InvalidOperation:
            return None
    if re.match(r"[a-z]", written):
        return _value_of_words(re.split(r"[\s-]+", written))
    whole, _point, part = written.partition("点")
    digits = "".join(str(HAN.find(sign.replace("〇", "零"))) for sign in part)
    return Decimal(f"{_value_of_han(whole)}.{digits or 0}").normalize()


def _value_of_words(words: list[str]) -> Decimal | None:
    if "point" in words:
        place = words.index("point")
        whole = _value_of_words(words[:place])
        digits = "".join(str(WORDS[word]) for word in words[place + 1 :])
        return None if whole is None else Decimal(f"{whole:f}.{digits}").normalize()
    total = part = 0
    for word in words:
        if word == "hundred":
            part = max(part, 1) * 100
        elif word == "thousand":
            total, part = total + max(part, 1) * 1000, 0
        elif word != "and":
            part += WORDS[word]
    return Decimal(total + part).normalize()


def _value_of_han(numerals: str) -> int:
    total = part = digit = 0
    for sign in numerals.replace("〇", "零").replace("两", "二"):
        if sign == "万":
            total, part, digit = (total + part + digit) * 10_000, 0, 0
        elif sign in HAN_TENS:
            part, digit = part + (digit or 1) * HAN_TENS[sign], 0
        else:
            digit = digit * 10 + HAN.index(sign)
    return total + part + digit
