"""Fill what was typed into the form of a page, so that it stands there unsent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from django.utils.html import escape

Typed = Mapping[str, Sequence[str]]
OWN = ("csrfmiddlewaretoken", "desk_form", "key")
"""Fields of which the new page has its own."""
COUNTS = ("-TOTAL_FORMS", "-INITIAL_FORMS", "-MIN_NUM_FORMS", "-MAX_NUM_FORMS")
PUSHED = ("submit", "button", "image", "reset", "file")


@dataclass
class FoundForm:
    """A form of a page: where it stands, where it can be sent to, and what it asks for."""

    start: int
    end: int = 0
    paths: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    buttons: set[str] = field(default_factory=set)
    folded: list[int] = field(default_factory=list)
    """The `<details>` around it and in it."""


class _Reader(HTMLParser):
    """Reads a page and knows the offset of each tag."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.page = page
        self.lines = [0, *(place + 1 for place, character in enumerate(page) if character == "\n")]

    @property
    def place(self) -> int:
        line, column = self.getpos()
        return self.lines[line - 1] + column


class _Finder(_Reader):
    """Finds the forms of a page that are sent by POST."""

    def __init__(self, page: str, address: str) -> None:
        super().__init__(page)
        self.address = address
        self.forms: list[FoundForm] = []
        self.open: FoundForm | None = None
        self.details: list[int] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "details":
            self.details.append(self.place)
            if self.open:
                self.open.folded.append(self.place)
        elif tag == "form" and said.get("method", "").lower() == "post":
            self.open = FoundForm(self.place, folded=[*self.details])
            self.open.paths.add(self.path(said.get("action", "")))
            self.forms.append(self.open)
        elif self.open and tag in ("input", "textarea", "select", "button"):
            pushed = tag == "button" or said.get("type") in PUSHED
            (self.open.buttons if pushed else self.open.names).add(said.get("name", ""))
            if "formaction" in said:
                self.open.paths.add(self.path(said["formaction"]))

    def handle_endtag(self, tag: str) -> None:
        if tag == "details" and self.details:
            self.details.pop()
        elif tag == "form" and self.open:
            self.open.end = self.place
            self.open = None

    def path(self, action: str) -> str:
        return urlsplit(urljoin(self.address, action)).path


def find_form(page: str, address: str, path: str, typed: Typed) -> FoundForm | None:
    """Return the form that is sent to `path` and asks for most of what was typed; None where nothing does."""
    # Of two alike, the first.
    forms = sorted(
        _Finder(page, address).forms, key=lambda one: (path in one.paths, len(one.names & typed.keys())), reverse=True
    )
    asked = (one for one in forms if (one.names & typed.keys()) - {*OWN})
    return next(asked, None)


class _Filler(_Reader):
    """Writes a page again with what was typed in one of its forms."""

    def __init__(self, page: str, form: FoundForm, typed: Typed) -> None:
        super().__init__(page)
        self.form = form
        self.left = {name: list(values) for name, values in typed.items()}
        self.given = {name: set(values) for name, values in typed.items()}
        self.chosen: set[str] = {*OWN, *form.buttons}
        """Names of fields that nothing is typed into."""
        self.focused = False
        self.written: list[str] = []
        self.done = 0
        self.select: str | None = None
        self.feed(page)
        self.written.append(page[self.done :])

    @property
    def inside(self) -> bool:
        return self.form.start < self.place < self.form.end

    def replace(self, start: int, end: int, text: str) -> None:
        self.written += [self.page[self.done : start], text]
        self.done = end

    def tag(self, tag: str, said: Mapping[str, str | None]) -> None:
        """Write the tag that is being read with other attributes."""
        written = "".join(f" {name}" if value is None else f' {name}="{escape(value)}"' for name, value in said.items())
        self.replace(self.place, self.place + len(self.get_starttag_text() or ""), f"<{tag}{written}>")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        if tag == "details" and self.place in self.form.folded:
            self.tag(tag, said | {"open": None})
        elif tag == "form" and self.place == self.form.start:
            self.tag(tag, said | {"data-typed": None})
        if not self.inside:
            return
        if tag == "input":
            self.input(said)
        elif tag == "textarea" and (text := self.next_of(said)) is not None:
            self.tag(tag, self.focus(said))
            end = self.page.find("</textarea", self.done)
            self.replace(self.done, end, f"\n{escape(text)}")
        elif tag == "select":
            self.select = said.get("name") or ""
            self.chosen.add(self.select)
        elif tag == "option" and self.select in self.given:
            said.pop("selected", None)
            chosen = (said.get("value") or "") in self.given[self.select]
            self.tag(tag, said | ({"selected": None} if chosen else {}))

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self.select = None

    def input(self, said: dict[str, str | None]) -> None:
        kind, name = (said.get("type") or "text").lower(), said.get("name") or ""
        if kind in PUSHED or name in OWN or name.endswith(COUNTS):
            self.chosen.add(name)
        elif kind in ("checkbox", "radio"):
            self.chosen.add(name)
            said.pop("checked", None)
            ticked = (said.get("value") or "on") in self.given.get(name, ())
            self.tag("input", said | ({"checked": None} if ticked else {}))
        elif (text := self.next_of(said)) is not None:
            self.tag("input", {**(said if kind == "hidden" else self.focus(said)), "value": text})

    def next_of(self, said: Mapping[str, str | None]) -> str | None:
        """The next text typed into the fields of one name."""
        left = self.left.get(said.get("name") or "")
        return left.pop(0) if left else None

    def focus(self, said: dict[str, str | None]) -> dict[str, str | None]:
        if self.focused:
            return said
        self.focused = True
        return said | {"autofocus": None}

    @property
    def unplaced(self) -> dict[str, list[str]]:
        """What was typed into fields that the page does not have now."""
        typed = {name: [text for text in left if text.strip()] for name, left in self.left.items()}
        return {
            name: texts
            for name, texts in typed.items()
            if texts and name not in self.chosen and not name.endswith(COUNTS)
        }


def refill(page: str, form: FoundForm, typed: Typed) -> tuple[str, dict[str, list[str]]]:
    """Return the page with what was typed in its form, and what the form has no field for."""
    filler = _Filler(page, form, typed)
    return "".join(filler.written), filler.unplaced
