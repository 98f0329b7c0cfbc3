"""Read a history file: what is wrong with it, in sentences with their paths, or what it says."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import groupby
from operator import getitem
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from .format import AS_RECORDED, Document, Row, Sentence

SENTENCES = {
    "missing": "This key is missing.",
    "extra_forbidden": "This key is not known here.",
    "model_type": "An object is wanted here, not {value}.",
    "list_type": "A list is wanted here, not {value}.",
    "literal_error": "One of {expected} is wanted here, not {value}.",
    "string_too_short": "This must not be empty.",
    "string_type": "Text is wanted here, not {value}.",
    "string_too_long": "At most {max_length} characters fit here, not {length}.",
    "string_unicode": "{value} holds a character that cannot be printed.",
    "string_pattern_mismatch": "{value} holds a character that cannot be printed.",
    "contradiction": "{text}",
}
"""What is said, by pydantic's type of the error; all patterns but those of text have a `Sentence` of their own."""

DEFINED = {
    "functions": "functions[].code",
    "clients": "clients[].code",
    "regions": "regions[].code",
    "agreements": "agreements[].version",
    "customers": "customers[].code",
    "contracts": "customers[].contracts[].reference",
    "maintenance": "maintenance[].reference",
    "incidents": "incidents[].reference",
}
"""Where codes and references are defined: each of a kind stands once in the file."""

MENTIONED = {
    "regions": ("customers[].region", "maintenance[].regions[]", "incidents[].outages[].region"),
    "functions": ("maintenance[].functions[]", "incidents[].outages[].functions[]"),
    "clients": ("maintenance[].clients[]", "incidents[].outages[].clients[]"),
    "maintenance": ("incidents[].exclusions[].maintenance",),
}
"""Where they are used: the file or the portal must have them."""

ONCE_IN_ITS_LIST: dict[str, Callable[[str], str]] = {
    "agreements[].effective_on": str,
    "customers[].contacts[]": str.casefold,
    "customers[].contracts[].payments[].reference": str,
    "maintenance[].regions[]": str,
    "maintenance[].functions[]": str,
    "maintenance[].clients[]": str,
    "incidents[].outages[].functions[]": str,
    "incidents[].outages[].clients[]": str,
}
"""What stands once in its list, as it is compared."""

Place = tuple[str, str]
"""A path, and the text that stands there or what is wrong with it."""


class NotAHistory(Exception):
    """The document cannot be loaded; `errors` are its wrong paths, each with a sentence."""

    def __init__(self, errors: Sequence[str]) -> None:
        super().__init__("\n".join(errors))
        self.errors = errors


@dataclass
class History:
    """What a file says. A list that may be left out is None where it is missing or empty: the portal's own stands."""

    functions: list[Row] | None
    clients: list[Row] | None
    regions: list[Row] | None
    agreements: list[Row] | None
    customers: list[Row]
    maintenance: list[Row]
    incidents: list[Row]
    mentions: dict[str, dict[str, str]]
    """Codes and references that are used but not defined in the file: kind → code → the path that uses it first."""
    paths: dict[str, dict[str, str]]
    """Where the file defines what: kind → code or reference → path."""


def read(content: bytes, *, as_recorded: bool = False) -> History:
    """Read a history file; raises `NotAHistory` with every path that is wrong.

    With `as_recorded`, times out of order (2.2), and money that its currency does not have, are taken as they are.
    """
    said, errors = _parsed(content)
    try:
        document = Document.model_validate(said, context=AS_RECORDED if as_recorded else None)
    except ValidationError as error:
        errors += [_sentence(one, said) for one in error.errors(include_url=False)]
    repeated: list[Place] = []
    paths = {kind: _first_places(_texts(said, way), repeated) for kind, way in DEFINED.items()}
    _check_lists(said, repeated)
    wrong = {path for path, _sentence in errors}
    errors += [(path, sentence) for path, sentence in repeated if path not in wrong]
    if errors:
        raise NotAHistory([f"{path}: {sentence}" if path else sentence for path, sentence in errors])
    mentions = {
        kind: _first_places(
            ((path, text) for way in ways for path, text in _texts(said, way) if text not in paths.get(kind, {})), []
        )
        for kind, ways in MENTIONED.items()
    }
    del said  # a large one is not held twice
    lists: dict[str, Any] = vars(document)
    return History(
        functions=lists["functions"] or None,
        clients=lists["clients"] or None,
        regions=lists["regions"] or None,
        agreements=lists["agreements"] or None,
        customers=lists["customers"],
        maintenance=lists["maintenance"],
        incidents=lists["incidents"],
        mentions=mentions,
        paths=paths,
    )


def shown(value: object) -> str:
    """Name a value for a sentence, in printable characters, not at length."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = json.dumps(value, ensure_ascii=False).encode(errors="backslashreplace").decode()
    return text if len(text) <= 60 else f"{text[:57]}…"


def _path(steps: Iterable[str | int]) -> str:
    path = ""
    for step in steps:
        if isinstance(step, int):
            path += f"[{step}]"
        elif re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,59}", step):
            path += f".{step}" if path else step
        else:
            path += f"[{shown(step)}]"
    return path


def _sentence(error: ErrorDetails, said: Any) -> Place:
    """Say where and what is wrong, by an error of pydantic."""
    kind, steps, value, context = error["type"], error["loc"], error["input"], error.get("ctx", {})
    match kind:
        case Sentence.TYPE:
            return _path(steps), error["msg"].replace("{value}", shown(value))
        case "value_error":
            return _path(steps), str(context["error"])
        case "string_unicode" if isinstance(reduce(getitem, steps, said), dict):  # a key; the steps lead to its object
            return _path([*steps, value]), SENTENCES["extra_forbidden"]
        case "string_pattern_mismatch" if not value.strip():
            kind = "string_too_short"
        case "string_too_long":
            context = context | {"length": len(value)}
        case "literal_error":
            context = {"expected": context["expected"].replace(" or ", ", ").replace("'", "")}
    return _path(steps), SENTENCES[kind].format(value=shown(value), **context)


# Codes and references


def _texts(value: Any, way: str, path: str = "") -> Iterator[Place]:
    """The texts at a way such as `incidents[].outages[].region`, as far as it can be gone."""
    key, _dot, further = way.partition(".")
    name = key.removesuffix("[]")
    if not isinstance(value, dict) or name not in value:
        return
    path = f"{path}.{name}" if path else name
    places = [(path, value[name])]
    if key != name:
        listed = value[name] if isinstance(value[name], list) else []
        places = [(f"{path}[{i}]", one) for i, one in enumerate(listed)]
    for place, one in places:
        if further:
            yield from _texts(one, further, place)
        elif isinstance(one, str):
            yield place, one


def _first_places(places: Iterable[Place], repeated: list[Place]) -> dict[str, str]:
    """Where each text stands first: text → path. The other places are added to `repeated`."""
    first: dict[str, str] = {}
    for path, text in places:
        if first.setdefault(text, path) is not path:
            repeated.append((path, f"{shown(text)} stands at {first[text]} already."))
    return first


def _check_lists(said: Any, repeated: list[Place]) -> None:
    for way, compared in ONCE_IN_ITS_LIST.items():
        for _list, places in groupby(_texts(said, way), key=lambda place: place[0].rpartition("[")[0]):
            _first_places(((path, compared(text)) for path, text in places), repeated)


# JSON


def _parsed(content: bytes) -> tuple[Any, list[Place]]:
    """What the JSON says, and the keys that stand twice in one object."""
    if not content.strip():
        raise NotAHistory(["The file is empty."])
    twice: list[tuple[dict[str, Any], set[str]]] = []

    def plain(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            counted = Counter(name for name, _value in pairs)
            twice.append((found, {name for name, times in counted.items() if times > 1}))
        return found

    try:
        said = json.loads(
            content.decode("utf-8-sig"),
            object_pairs_hook=plain,
            # No number with a fraction or of such a size has a place in the format: the check of its value says where.
            parse_int=lambda digits: int(digits) if len(digits) < 20 else float(digits),
            parse_constant=float,
        )
    except UnicodeDecodeError as error:
        raise NotAHistory([f"The file is not UTF-8: byte {error.start + 1} cannot be read."]) from None
    except json.JSONDecodeError as error:
        raise NotAHistory([f"The file is not JSON: {error.msg}, line {error.lineno}, column {error.colno}."]) from None
    except RecursionError:
        raise NotAHistory(["The file is nested too deeply to be a history."]) from None
    return said, list(_keys_twice(said, twice)) if twice else []


def _keys_twice(said: Any, twice: list[tuple[dict[str, Any], set[str]]]) -> Iterator[Place]:
    names = {id(found): found_names for found, found_names in twice}
    waiting: list[tuple[list[str | int], Any]] = [([], said)]
    while waiting:  # not by recursion: it may be nested as deeply as the reader of JSON could go
        steps, value = waiting.pop()
        if isinstance(value, dict):
            yield from (
                (_path([*steps, name]), "This key stands here twice.") for name in sorted(names.get(id(value), ()))
            )
        parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        waiting += [([*steps, step], part) for step, part in parts if isinstance(part, dict | list)]
