"""Check that the translation holds every sentence of the code, and that what is compiled says what its source says.

With --write, sentences that are new are added, untranslated, those that the code no longer says are dropped, and the
source is compiled. gettext's own programs are not on a bare machine, so this does without them.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import polib
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
APPS = ("sla_portal", "claims", "incidents", "maintenance")
SOURCE = ROOT / "sla_portal/locale/zh_Hans/LC_MESSAGES/django.po"
HEADER = {
    "Project-Id-Version": "sla-portal",
    "Language": "zh_Hans",
    "MIME-Version": "1.0",
    "Content-Type": "text/plain; charset=UTF-8",
    "Content-Transfer-Encoding": "8bit",
    "Plural-Forms": "nplurals=1; plural=0;",
}

# Which arguments of a call are what, by the letters before `gettext`
ARGUMENTS = {"": ("text",), "n": ("text", "plural"), "p": ("context", "text"), "np": ("context", "text", "plural")}
CALL = re.compile(r"(n?p?)gettext(?:_lazy|_noop)?")
CALL_IN_TEMPLATE = re.compile(r"\b(?:_|n?p?gettext)\(")


class Sentence(NamedTuple):
    text: str
    context: str | None = None
    plural: str = ""


def marked() -> Iterator[tuple[Path, Sentence]]:
    """Each sentence that is marked for translation, with the file that says it, in the order of files and lines."""
    for path in sorted(path for app in APPS for path in (ROOT / app).rglob("*.py")):
        calls = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
        for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
            if sentence := _sentence(call):
                yield path, sentence
    for path in sorted(path for path in (ROOT / "templates").rglob("*") if path.is_file()):
        for sentence in _in_template(path.read_text("utf-8")):
            yield path, sentence


def _sentence(call: ast.Call) -> Sentence | None:
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    kind = CALL.fullmatch("gettext" if name == "_" else name)
    if not kind:
        return None
    texts = [argument.value for argument in call.args if isinstance(argument, ast.Constant)]
    said = dict(zip(ARGUMENTS[kind[1]], texts, strict=False))
    return Sentence(**said) if len(said) == len(ARGUMENTS[kind[1]]) else None  # else a variable, marked where it is set


def _in_template(text: str) -> Iterator[Sentence]:
    code = templatize(text)
    for start in (found.start() for found in CALL_IN_TEMPLATE.finditer(code)):
        for end in (found.end() for found in re.finditer(r"\)", code[start:])):
            try:
                call = ast.parse(code[start : start + end], mode="eval").body
            except SyntaxError:  # this bracket stands inside the sentence
                continue
            if isinstance(call, ast.Call) and (sentence := _sentence(call)):
                yield sentence
            break


def wanted() -> polib.POFile:
    """The source as it has to be: what the code says, in the words that the source has for it."""
    known = {(entry.msgid, entry.msgctxt): entry for entry in polib.pofile(str(SOURCE))}
    source = polib.POFile(wrapwidth=0)
    source.metadata = HEADER
    entries: dict[tuple[str, str | None], polib.POEntry] = {}
    for path, (text, context, plural) in marked():
        entry = entries.setdefault((text, context), polib.POEntry(msgid=text, msgctxt=context))
        entry.msgid_plural = entry.msgid_plural or plural
        if (place := (str(path.relative_to(ROOT)), "")) not in entry.occurrences:
            entry.occurrences.append(place)
    for key, entry in entries.items():
        if "%" in entry.msgid:
            entry.flags = ["python-format"]
        before = known.get(key)
        said = (before.msgstr or before.msgstr_plural.get(0, "")) if before and not before.fuzzy else ""
        if entry.msgid_plural:
            entry.msgstr_plural = {0: said}
        else:
            entry.msgstr = said
        source.append(entry)
    return source


def main() -> int:
    source, compiled = wanted(), SOURCE.with_suffix(".mo")
    if "--write" in sys.argv:
        source.save(str(SOURCE))
        compiled.write_bytes(source.to_binary())
        print(f"{len(source.untranslated_entries())} to translate in {SOURCE.relative_to(ROOT)}")
        return 0
    if SOURCE.read_text("utf-8") == str(source) and compiled.exists() and compiled.read_bytes() == source.to_binary():
        return 0
    print(
        f"{SOURCE.relative_to(ROOT)} does not say what the code says, or is not compiled: make messages",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
