"""Every kind of report, as readers of PDF find it: whole, tagged, and no page left empty."""

import re
from io import BytesIO
from urllib.parse import parse_qs, urlsplit

import pikepdf
import pypdfium2
import pytest
from django.urls import resolve

from sla_portal.kernel.instants import parse_instant
from sla_portal.kernel.intervals import epoch
from sla_portal.minutes import minute_at
from sla_portal.reports.templatetags.pdf import as_minute
from tests.support import statements
from tests.support.printed import sound, structure, texts

pytestmark = [pytest.mark.pdf, pytest.mark.pure]

PAPERS = statements.papers()


@pytest.fixture(params=PAPERS)
def kind(request) -> str:
    return request.param


def test_qpdf_and_pdfium_read_every_kind(papers, kind):
    with sound(papers[kind]) as pdf:
        pages = texts(pdf)
        tags = structure(pdf)
    assert tags[0] == "/Document"
    assert {"/H1", "/H2", "/P", "/TH", "/TD"} <= set(tags)
    with pypdfium2.PdfDocument(papers[kind]) as document:
        read = [page.get_textpage().get_text_bounded() for page in document]
    assert len(read) == len(pages)
    issue, figures = PAPERS[kind]["issue"], PAPERS[kind]["figures"]
    for said in (read[0], pages[0]):
        assert issue["number"] in said
        assert figures["name"] in " ".join(said.split())
    assert "SHA-256" in read[-1]


def test_no_page_of_any_kind_is_nine_tenths_empty(papers, kind):
    """Ink stands in more than a tenth of the lines between the head and the foot of each page."""
    with pypdfium2.PdfDocument(papers[kind]) as document:
        for page in document:
            picture = page.render(scale=0.5, grayscale=True).to_pil()
            width, height = picture.size
            body = picture.crop((0, round(height * 0.08), width, round(height * 0.93)))
            lines = [body.crop((0, y, width, y + 1)).getextrema()[0] < 200 for y in range(body.height)]
            assert sum(lines) > body.height / 10


@pytest.mark.parametrize("english", [kind for kind, paper in PAPERS.items() if paper["figures"]["language"] == "en"])
def test_every_kind_has_one_form_of_dates(papers, english):
    with pikepdf.open(BytesIO(papers[english])) as pdf:
        # Without the address of a minute, which has its own form.
        said = re.sub(r"\?at=\S+", "", " ".join(" ".join(texts(pdf)).split()))
    assert set(re.findall(r"(\S+) 2026(?!-)", said)) <= {"September"}
    assert not re.findall(r"\d+[./]\d+[./]20\d\d|\dT\d\d:\d\d", said)


def test_figures_and_failure_events_lead_to_their_minutes_on_the_website(papers, kind):
    with pikepdf.open(BytesIO(papers[kind])) as pdf:
        links = [urlsplit(str(one.A.URI)) for page in pdf.pages for one in page.get("/Annots", ())]
        assert structure(pdf).count("/Link") == len(links)
    figures = PAPERS[kind]["figures"]
    to = [resolve(link.path) for link in links]
    own = [link for link in links if resolve(link.path).url_name == "report_minutes"]
    of_region = [link for link in links if resolve(link.path).kwargs == {"code": "eu", "month": "2026-09"}]
    # Each bar with figures to those of its month, and the contract so far to the months of the region.
    earlier = [one.kwargs["month"] for one in to if one.url_name == "minutes" and one.kwargs["month"] != "2026-09"]
    assert earlier == [past["month"] for past in figures["months"] if past["met"] is not None][:-1]
    of_contract = [one for one in to if one.url_name == "region"]
    assert len(of_contract) == bool(figures["contract_period"])
    assert len(own) + len(of_region) + len(earlier) + len(of_contract) == len(links)
    assert len(own) >= 2 + len(figures["events"])
    asked = [minute_at(parse_qs(link.query)["at"][0]) for link in of_region if link.fragment]
    assert asked == [epoch(parse_instant(event["started_at"])) for event in figures["events"]]


@pytest.mark.parametrize(
    ("started_at", "minute"),
    [
        ("2026-09-09T18:31:00Z", "2026-09-10T02:31"),
        ("2026-09-09T18:31:01Z", "2026-09-10T02:32"),
        ("2026-08-31T15:00:00Z", "2026-09-01T00:00"),
        ("2026-09-30T15:59:30Z", "2026-09-30T23:59"),
    ],
)
def test_an_event_is_asked_for_by_its_first_whole_minute_in_the_month(started_at, minute):
    asked = as_minute(started_at, {"sla_zone": "Asia/Shanghai", "month": "2026-09"})
    assert parse_qs(asked) == {"at": [f"{minute}+08:00"]}
