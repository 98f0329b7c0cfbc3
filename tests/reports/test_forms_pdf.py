"""Reports that differ in a few texts are laid out once; each reads and looks as if it had been laid out for itself."""

import json
from hashlib import sha256
from io import BytesIO

import pikepdf
import pypdfium2
import pytest
from PIL import Image, ImageChops

from sla_portal.reports.pdf import printing, render
from sla_portal.reports.rules import anonymous, canonical, shared
from tests.support.printed import structure, texts
from tests.support.statements import CLOSING, FINAL, customer, papers, quiet_month, with_status

pytestmark = [pytest.mark.pdf, pytest.mark.sqlite]


def report(name, code="C-001", **instead):
    statement = with_status(customer(quiet_month(**FINAL, **instead), code=code, name=name), CLOSING)
    statement["issue"] |= {"number": f"SLA-2026-09-EU-{code}", "check_code": f"7KQ2-{code[2:5]}-4TRW"}
    return statement


def filled(statement, laid_out) -> bytes | None:
    """The report in what `laid_out` gives for the parts of the statement; None where its texts do not fit there."""
    common, attached = canonical(shared(statement)).decode(), canonical(statement["figures"])
    with printing.translation.override(statement["figures"]["language"]):
        bodies = printing._bodies(common)
        context = printing._own_context(statement, sha256(attached).hexdigest(), bodies)
        found = laid_out(common, context, attached, bodies)
        return found.form.filled(printing._own_html(context, found.places), attached)


def for_itself(statement) -> bytes:
    """The report as a layout of its own gives it."""
    return filled(statement, lambda _common, *parts: printing._laid_out(*parts))


def prepared(statement) -> bytes | None:
    """The report in the layout of its month, as `render` asks first."""
    return filled(
        statement, lambda common, *_: printing._prepared(common, canonical(anonymous(statement)).decode(), b"")
    )


def pictures(pdf: bytes) -> list[Image.Image]:
    with pypdfium2.PdfDocument(pdf) as document:
        return [page.render(scale=1.5, grayscale=True).to_pil() for page in document]


def differing_pixels(here: Image.Image, there: Image.Image) -> int:
    """How many pixels differ by more than a shade of an edge."""
    return sum(ImageChops.difference(here, there).histogram()[64:])


NAMES = {
    "Latin": "Quartier Jakobsufer",
    "accents": "Ñandú Łódź Žižkov Đà Nẵng",
    "Greek and Cyrillic": "Ελληνικά Όροφος Ґалаґан",
    "Chinese": "上海港湾公寓 臺北",
    "marks of HTML": "Müller & Söhne <West> \"Süd\" 'Ost'",
    "ligatures": "Affinity Office Fjord",
}


@pytest.mark.parametrize(
    ("name", "language"), [*((name, "en") for name in NAMES.values()), (NAMES["Chinese"], "zh-hans")],
    ids=[*NAMES, "all Chinese"],
)  # fmt: skip
def test_a_name_set_in_a_prepared_report_looks_as_in_a_layout_of_its_own(name, language):
    statement = report(name, code="Q-7/ÄŻ", language=language)
    made, own = prepared(statement), for_itself(statement)
    assert made == render(statement)
    assert max(map(differing_pixels, pictures(made), pictures(own))) <= 40
    with pikepdf.open(BytesIO(made)) as mine, pikepdf.open(BytesIO(own)) as other:
        assert texts(mine) == texts(other)
        assert structure(mine) == structure(other)
        assert mine.docinfo.Title == other.docinfo.Title
        assert mine.Root.Metadata.read_bytes() == other.Root.Metadata.read_bytes()
        assert mine.open_outline().root[0].title == name
        attached = mine.attachments["figures.json"].get_file()
        assert json.loads(attached.read_bytes()) == statement["figures"]
        assert attached.md5 == other.attachments["figures.json"].get_file().md5


@pytest.mark.parametrize(
    "statement",
    [
        report("Liegenschaftsverwaltungsgesellschaft am Hafen von Hamburg-Altona mit beschränkter Haftung und Co."),
        report("Hafen שלום"),
        report("Hafen", language="en") | {"issue": {**report("Hafen")["issue"], "number": "SLA-" + "9" * 90}},
    ],
    ids=["takes two lines", "has a note", "number takes two lines"],
)
def test_a_text_that_takes_more_lines_is_laid_out_for_itself(statement):
    assert prepared(statement) is None
    assert render(statement) == for_itself(statement)


def test_customers_of_a_month_take_one_layout():
    printing._prepared.cache_clear()
    made = {prepared(report(f"Haus {n}", code=f"C-{n:03}")) for n in range(20)}
    assert len(made - {None}) == 20
    assert printing._prepared.cache_info().misses == 1


def test_what_was_rendered_before_changes_no_byte():
    """Another customer of the same month, another month, and a name in other characters."""
    statement = report("Hafen Residences")
    wanted = render(statement)
    printing._prepared.cache_clear()
    printing._bodies.cache_clear()
    for other in (report("上海港湾公寓", code="C-9"), papers()["eventful"], report("Ñandú", code="C-10")):
        render(other)
    assert render(statement) == wanted
