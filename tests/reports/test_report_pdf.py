"""The PDF: its content and form, and that the same statement gives the same bytes."""

import json
import logging
import re
import subprocess
import sys
from hashlib import sha256
from io import BytesIO
from threading import Thread

import pikepdf
import pytest
from django.conf import settings

from sla_portal.reports.pdf import PrintingFailed, printing, render
from sla_portal.reports.pdf.scripts import printable
from sla_portal.reports.rules import digest
from tests.support.operators import a_logo
from tests.support.printed import fonts, structure, texts
from tests.support.statements import (
    CLOSING,
    FINAL,
    OPEN,
    PARTIES,
    customer,
    eventful_month,
    issued,
    not_in_service,
    quiet_month,
    with_status,
)

pytestmark = [pytest.mark.pdf, pytest.mark.sqlite]

ZONES = ("/Asia/Shanghai", "/Europe/Berlin")
NAMES = "上海港湾公寓 臺北 · Ñandú Łódź Žižkov Đà Nẵng · Ελληνικά Όροφος · Кириллица Ґалаґан · İstanbul Reykjavík"


@pytest.fixture(autouse=True)
def nothing_remembered():
    printing._bodies.cache_clear()
    printing._prepared.cache_clear()


def opened(statement):
    return pikepdf.open(BytesIO(render(statement)))


def words_of(statement):
    return " ".join(" ".join(texts(opened(statement))).split())


def test_the_first_page_states_the_result():
    said = texts(opened(issued(eventful_month())))[0]
    for line in ("Europe", "99.62268", "✗ SLA breached", "163", "43\N{NARROW NO-BREAK SPACE}200", "Downtime by day"):
        assert line in said


def test_lengths_of_recovery_are_never_negative_and_what_is_not_stated_is_left_out_of_the_mean():
    """The second is as an earlier build froze it: acknowledged 29 days before detection."""
    month = eventful_month()
    told = month["recovery"][0]
    lengths = [(97, 180, {}), (-2528293, 38, {}), (None, 600, {"acknowledgement": "logged_after_restoration"}),
               (300, None, {"restoration": "not_stated"}), (None, None, {})]  # fmt: skip
    recovery = [
        {**told, "reference": f"INC-{number}", "title": "", "seconds_to_acknowledge": acknowledge,
         "seconds_to_restore": restore, **reasons}
        for number, (acknowledge, restore, reasons) in enumerate(lengths)
    ]  # fmt: skip
    said = words_of(issued({**month, "recovery": recovery}))
    table = said[said.index("INC-0") :]
    rows = [table[table.index(f"INC-{n}") :].split(f"INC-{n + 1}")[0] for n in range(5)]
    assert "0:01:37 0:03:00" in rows[0]
    assert "not stated 0:00:38" in rows[1]
    assert "logged after restoration 0:10:00" in rows[2]
    assert "0:05:00 not stated" in rows[3]
    assert "– ongoing" in rows[4]
    assert "Mean time to acknowledge (MTTA): 0:03:18. Mean time to restore (MTTR): 0:04:32." in rows[4]


def test_a_quiet_month_takes_two_pages_and_an_eventful_one_four_with_the_parties_and_signatures():
    for closing in (None, CLOSING | {"reason": ""}):
        assert len(opened(with_status(customer(quiet_month(**FINAL)), closing)).pages) == 2
    assert len(opened(with_status(customer(eventful_month(**FINAL)), CLOSING)).pages) == 4


def test_every_page_has_report_number_revision_issue_portal_and_page_number():
    pages = texts(opened(issued(eventful_month())))
    for place, said in enumerate(pages, start=1):
        assert "SLA-2026-09-EU" in said
        assert ", revision 1" in said
        assert "Issued 2026-10-14 09:00:05 (Asia/Shanghai)" in said
        assert "https://sla.example.com" in said
        assert f"{place} / {len(pages)}" in said


def test_the_sha256_on_the_last_page_is_that_of_the_attached_figures():
    statement = issued(eventful_month())
    pdf = opened(statement)
    attached = pdf.attachments["figures.json"].get_file().read_bytes()
    assert json.loads(attached) == statement["figures"]
    assert f"SHA-256 of the figures: {sha256(attached).hexdigest()}" in texts(pdf)[-1]
    assert sha256(attached).hexdigest() == digest(statement["figures"])


def test_the_attachment_is_data_of_an_archivable_tagged_document():
    pdf = opened(issued(eventful_month()))
    with pdf.open_metadata() as metadata:
        assert (metadata["pdfaid:part"], metadata["pdfaid:conformance"]) == ("3", "A")
    assert pdf.attachments["figures.json"].relationship == pikepdf.Name.Data
    assert pdf.Root.MarkInfo.Marked
    assert str(pdf.Root.Lang) == "en"
    assert str(pdf.docinfo.Title) == "Availability report SLA-2026-09-EU, revision 1: Europe, September 2026"
    tags = structure(pdf)
    assert tags.index("/H1") < tags.index("/TH") < tags.index("/Figure") < tags.index("/H2") < tags.index("/THead")
    assert tags.count("/Figure") == 3
    assert [str(chapter.title) for chapter in pdf.open_outline().root[0].children] == [
        "Downtime by day",
        "Last twelve months",
        "Failure events",
        "Exclusions",
        "Maintenance",
        "Recovery",
        "Calculation",
        "Claims",
        "Parties, issue and signatures",
    ]


def test_names_of_many_scripts_have_no_missing_glyph(caplog):
    with caplog.at_level(logging.WARNING, logger="weasyprint"):
        pdf = opened(issued(customer(quiet_month(), name=NAMES)))
    assert not caplog.records
    assert NAMES in " ".join(texts(pdf)[0].split())


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_only_subsets_of_the_shipped_fonts_are_embedded(language):
    pdf = opened(issued(eventful_month(language=language)))
    embedded = fonts(pdf)
    assert {name.rstrip(",") for name in embedded} <= {"Source-Sans-3", "Source-Sans-3-Semi-Bold", "Noto-Sans-SC"}
    assert all("/FontFile2" in descriptor for descriptor in embedded.values())
    assert len(render(issued(eventful_month(language=language)))) < 300_000


def test_the_same_statement_gives_the_same_bytes_in_two_processes():
    program = (
        "import django, hashlib; django.setup(); "
        "from sla_portal.reports.pdf import render; from tests.support.statements import *; "
        "print(hashlib.sha256(render(issued(eventful_month()))).hexdigest())"
    )
    prints = {
        subprocess.run(
            [sys.executable, "-c", program],
            check=True,
            capture_output=True,
            text=True,
            cwd=settings.BASE_DIR,
            env={"DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONHASHSEED": seed, "PATH": ""},
        ).stdout
        for seed in ("1", "2")
    }
    render(issued(quiet_month()))
    assert prints == {sha256(render(issued(eventful_month()))).hexdigest() + "\n"}


def test_cached_shared_pages_give_the_same_bytes_as_new_ones():
    hafen, garten = (
        issued(customer(eventful_month(), code=code, name=name))
        for code, name in (("C-001", "Hafen Residences"), ("C-002", "花园公寓 — Wohnpark Am Garten GmbH & Co. KG"))
    )
    fresh = {}
    for statement in (hafen, garten):
        printing._bodies.cache_clear()
        printing._prepared.cache_clear()
        fresh[statement["figures"]["code"]] = render(statement)
    assert render(hafen) == fresh["C-001"]  # after another's report, from what that one left
    assert render(garten) == fresh["C-002"]
    assert render(issued(eventful_month())) != fresh["C-001"]
    assert printing._bodies.cache_info().misses == 1


def test_a_customers_shared_pages_name_no_other_customer():
    render(issued(customer(eventful_month(), code="C-001", name="Hafen Residences")))
    said = words_of(issued(customer(eventful_month(), code="C-002", name="Gartenstadt")))
    assert "Hafen" not in said
    assert "EU-C-001" not in said
    assert "customer C-001" not in said
    assert "Gartenstadt" in said


def test_concurrent_rendering_neither_hangs_nor_differs():
    wanted = render(issued(quiet_month()))
    found = []
    threads = [Thread(target=lambda: found.append(render(issued(quiet_month())))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert found == [wanted] * 4


def test_printing_reads_only_the_portals_own_assets_and_opens_no_connection():
    """Python's own audit hook sees every file opened and every connection made in a process."""
    program = """
import sys, django
django.setup()
from sla_portal.reports.pdf import render
from tests.support.statements import *
evil = '<img src="file:///etc/passwd"><link rel=stylesheet href="https://example.com/x.css">'
seen = []
sys.addaudithook(lambda event, args: seen.append(args[0]) if event in {"open", "socket.connect"} else None)
render(issued(customer(eventful_month(), name=evil)))
print(*(path for path in seen if isinstance(path, str)), sep="\\n")
print(*(other for other in seen if not isinstance(other, str | int)), sep="\\n")
"""
    seen = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        cwd=settings.BASE_DIR,
        env={"DJANGO_SETTINGS_MODULE": "tests.settings", "PATH": ""},
    ).stdout.splitlines()
    assets = (str(settings.BASE_DIR / "templates" / "reports"), str(settings.BASE_DIR / "sla_portal" / "reports"))
    assert any(path.startswith(assets[0]) for path in seen)
    code_and_zones = (".py", ".pyc", ".mo", ".icc", *ZONES)
    strangers = [path for path in seen if path and not path.startswith(assets) and not path.endswith(code_and_zones)]
    assert strangers == []


def test_an_error_logged_by_weasyprint_is_raised(tmp_path, settings):
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "claims.html").write_text('<img src="https://example.com/x.png">')
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path, *settings.TEMPLATES[0]["DIRS"]]}]
    with pytest.raises(PrintingFailed, match=r"example\.com"):
        render(issued(quiet_month()))


def test_a_month_out_of_service_is_neither_met_nor_breached():
    said = words_of(issued(customer(not_in_service())))
    assert "Not in service" in said
    assert "the SLA is neither met nor breached" in said
    assert "1 − U ÷ T" not in said


def test_reservations_are_stated_on_the_first_page():
    incident = {"reference": "INC-7", "title": "Gateway lost"}
    figures = quiet_month(provisional=True, ongoing=[incident], unclassified=[incident], reading_sensitive=True)
    said = texts(opened(issued(figures)))[0]
    assert "Provisional: an outage is ongoing (INC-7)." in said
    assert "Provisional: these incidents are pending classification: INC-7." in " ".join(said.split())
    assert "The outcome depends on the counting rule" in said


def test_a_revision_lists_its_changes_behind_the_figures_and_above_the_parties():
    changes = [
        {"what": "unavailable_minutes", "before": 37, "after": 7},
        {"what": "met", "before": False, "after": None},
    ]
    pages = texts(opened(issued(quiet_month(), revision=2, changes=changes)))
    (page,) = (number for number, said in enumerate(pages, start=1) if "Changes since revision 1" in said)
    assert f"Revision 2 replaces revision 1. The changes are listed on page {page}." in pages[0]
    changed = pages[page - 1].splitlines()
    start = changed.index("Changes since revision 1")
    assert changed[start : start + 11] == [
        "Changes since revision 1",
        "Reason: An end was mistyped",
        "Figure",
        "Before",
        "After",
        "Unavailable minutes",
        "37",
        "7",
        "SLA",
        "SLA breached",
        "Not in service",
    ]
    assert "Parties, issue and signatures" in "\n".join(pages).partition("Changes since revision 1")[2]


def test_a_long_reason_for_a_revision_takes_more_pages_that_are_numbered_right():
    changes = [{"what": "unavailable_minutes", "before": 37, "after": 7}]
    statement = issued(quiet_month(), revision=2, changes=changes)
    statement["issue"]["reason"] = "The provider's record and ours were compared to the second. " * 150
    pages = texts(opened(statement))
    assert len(pages) == 4
    assert "4 / 4" in pages[3]
    assert "Parties, issue and signatures" in pages[3]


def test_the_calculation_says_why_the_printed_formula_is_a_misprint():
    said = words_of(issued(quiet_month()))
    assert "Clause 2.1 is printed as (1 − U) ÷ T." in said
    assert "that is 0.00231 %: a misprint" in said


def test_an_exclusion_states_who_confirmed_it_or_that_the_record_does_not():
    figures = eventful_month(events=6)
    figures["exclusions"][0] |= {"proposed_by": "", "confirmed_by": "", "confirmed_at": None}
    said = words_of(issued(figures))
    assert "Imported from another record, which does not state who confirmed it." in said
    assert "Proposed by Nadia Kovač, confirmed by 李伟 , 2026-10-01 09:12:05" in said


def test_claims_open_and_close_on_the_sla_clock():
    said = words_of(issued(quiet_month()))
    assert "from 2026-10-14 00:00:00" in said
    assert "to 2026-11-30 23:59:59 (Asia/Shanghai) (3.3.1)" in said


def test_a_table_is_limited_to_three_hundred_rows_and_says_where_the_rest_is(monkeypatch):
    monkeypatch.setattr(printing, "MAX_ROWS", 3)
    said = words_of(issued(eventful_month(events=5)))
    assert "The first 3 of 5 are shown; the attached figures contain all of them." in said
    assert "INC-003" in said
    assert "INC-004" not in said


@pytest.mark.parametrize("length", [42, 140, 200])
def test_a_long_name_stays_above_the_figure(length):
    name = ("Liegenschaftsverwaltungsgesellschaft am Hafen " * 5)[:length].strip()
    pdf = opened(issued(customer(quiet_month(), name=name)))
    assert len(pdf.pages) == 2
    assert name in " ".join(texts(pdf)[0].split())


class TestStatus:
    """The first line of the report."""

    def first_lines(self, statement):
        """What stands above the title of the report; the body, which reports share, is painted before it."""
        return " ".join(texts(opened(statement))[0].split()).split(" MONTHLY AVAILABILITY REPORT ")[0]

    def test_final_names_who_closed_when_which_revision_and_why(self):
        said = self.first_lines(with_status(customer(quiet_month(**FINAL)), CLOSING))
        assert said.endswith(
            "Final. Closed at 2026-10-10 10:00:00 (Asia/Shanghai) by Lena Legal, revision 2. Requested by Paul Prüfer. "
            "Reason: An end was mistyped by an hour"
        )

    def test_provisional_names_each_reason_and_the_figure_if_all_were_confirmed(self):
        said = self.first_lines(with_status(customer(quiet_month(**OPEN))))
        assert said.endswith(
            "Provisional. Not final: an outage is ongoing; an incident is pending classification; an exclusion is "
            "undecided; these figures are not closed. If every undecided exclusion were confirmed: 99.99074 %, "
            "4 unavailable minutes, SLA met."
        )

    def test_in_progress_says_that_the_month_is_not_over(self):
        figures = quiet_month(status="in_progress", pending=["month_not_over", "not_closed"], if_confirmed=None)
        said = self.first_lines(with_status(figures))
        assert said.endswith("In progress. Not final: the month is not over; these figures are not closed.")

    def test_every_page_names_the_status(self):
        for said in texts(opened(with_status(customer(eventful_month(**OPEN))))):
            assert "revision 1 · Provisional" in " ".join(said.split())

    def test_a_long_reason_is_cut_on_the_first_page_and_stands_in_full_on_the_last(self):
        reason = " ".join(f"reason {n}" for n in range(60))
        pages = texts(opened(with_status(quiet_month(**FINAL), {**CLOSING, "reason": reason})))
        assert "reason 59" not in pages[0]
        assert "In full on page 3." in " ".join(pages[0].split())
        assert reason in " ".join(pages[-1].split())


def test_the_last_page_names_the_parties_who_closed_and_issued_and_has_room_for_two_signatures():
    said = " ".join(texts(opened(with_status(customer(quiet_month(**FINAL)), CLOSING)))[-1].split())
    for words in (
        "Operator Example Intercom Cloud GmbH, Hafenstraße 12, 20457 Hamburg",
        "Customer Hafen Residences (C-001)",
        "Contract K-7, 2026-01-01 to 2026-12-31",
        "Agreement version 1.0, in force from 2024-01-01",
        "Closing Closed at 2026-10-10 10:00:00 (Asia/Shanghai) by Lena Legal, revision 2.",
        "Issued 2026-10-14 09:00:05 (Asia/Shanghai) by Lena Legal",
        "For the operator: place, date, name, signature",
        "For the customer: place, date, name, signature",
    ):
        assert words in said
    unnamed = {**PARTIES, "operator_name": "", "operator_address": ""}
    said = " ".join(texts(opened(with_status(quiet_month(), parties=unnamed)))[-1].split())
    assert "Operator not stated in the settings of the portal" in said


def test_the_operators_logo_stands_on_the_first_page_with_its_name_and_the_form_is_filled_all_the_same():
    logo, statement = a_logo().content, with_status(customer(quiet_month(**FINAL)), CLOSING)
    pdf = pikepdf.open(BytesIO(render(statement, logo)))
    drawn = [[str(operator) for _, operator in pikepdf.parse_content_stream(page)].count("Do") for page in pdf.pages]
    assert drawn == [1, 0]
    assert any(
        str(one.get("/Alt")) == "Example Intercom Cloud GmbH"
        for one in pdf.objects
        if isinstance(one, pikepdf.Dictionary)
    )
    other = with_status(customer(quiet_month(**FINAL), name="Elbe Residences"), CLOSING)
    filled = render(other, logo)
    printing._prepared.cache_clear()
    assert texts(pikepdf.open(BytesIO(filled))) == texts(pikepdf.open(BytesIO(render(other, logo))))


def test_a_report_queued_by_an_earlier_build_is_rendered():
    """Its statement has no status, parties, closing or issuer."""
    said = texts(opened(issued(customer(quiet_month()))))
    assert "Customer Hafen Residences (C-001)" in " ".join(said[-1].split())


def test_undecided_exclusions_and_the_hashes_of_evidence_are_listed():
    figures = eventful_month(events=6)
    first = figures["exclusions"][0]
    figures["proposed"] = [
        {key: first[key] for key in first.keys() - {"confirmed_by", "confirmed_at", "minutes"}}
        | {"clause": "4.10", "reason": "Power of the whole quarter", "evidence": [{"name": "grid.pdf", "sha256": "ab" * 32}]}
    ]  # fmt: skip
    said = words_of(issued(figures))
    undecided = said[said.index("Undecided exclusions") :]
    assert "Power of the whole quarter" in undecided
    assert f"Evidence: grid.pdf , SHA-256 {'ab' * 32}".replace(" ", "") in undecided.replace(" ", "")
    assert "Undecided exclusions" not in words_of(issued(eventful_month(events=6)))


@pytest.mark.parametrize("long", ["reason", "notices"])
def test_a_row_taller_than_a_page_keeps_the_head_of_its_table_on_each_page(long):
    figures = eventful_month(events=3)
    if long == "reason":
        figures["exclusions"][0]["reason"] = "Our probes agree to the minute. " * 300
        head = "Incident and reason"
    else:
        figures["windows"][0]["notices"] *= 60
        head = "Announced start"
    pages = texts(opened(issued(figures)))
    inner = [said for said in pages if said.count("probes agree" if long == "reason" else "2026-09-06 18:00:00") > 20]
    assert len(inner) > 1
    assert all(head in " ".join(said.split()) for said in inner)


def lines_on(page):
    return len(page.splitlines())


@pytest.mark.parametrize(
    ("events", "revision", "flagged"), [(0, 1, 0), (0, 2, 1), (1, 1, 1), (5, 2, 0), (12, 1, 1), (30, 1, 0)]
)
def test_no_page_is_nine_tenths_empty(events, revision, flagged):
    """A full page of text has some sixty lines; the head and foot of a page have five."""
    figures = customer(eventful_month(events=events) if events else quiet_month())
    figures["reading_sensitive"] = bool(flagged)
    changes = [{"what": "unavailable_minutes", "before": 37, "after": 7}] if revision > 1 else []
    pages = texts(opened(issued(figures, revision=revision, changes=changes)))
    assert min(map(lines_on, pages)) >= 5 + 6


def test_scripts_without_a_shipped_font_are_named_in_words(caplog):
    with caplog.at_level(logging.WARNING, logger="weasyprint"):
        pdf = opened(issued(customer(quiet_month(), name="Hafen שלום רב برج อาคาร 😀")))
    assert not caplog.records
    pages = [" ".join(said.split()) for said in texts(pdf)]
    name = (
        "Hafen [7 characters in Hebrew script] [3 characters in Arabic script] [5 characters in Thai script] "
        "[1 character without a glyph]"
    )
    assert name in pages[0]
    assert "the attached figures hold them as entered" in pages[-1]
    assert "שלום רב" in json.loads(pdf.attachments["figures.json"].get_file().read_bytes())["name"]
    assert "the attached figures hold them as entered" not in words_of(issued(customer(quiet_month(), name=NAMES)))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("شركة المرفأ", "[11 characters in Arabic script]"),
        ("מגורי הנמל", "[10 characters in Hebrew script]"),
        ("ท่าเรือ", "[7 characters in Thai script]"),
        ("항만 주거", "[5 characters in Hangul script]"),
        ("बंदरगाह निवास", "[13 characters in Devanagari script]"),
        ("துறைமுகம்", "[9 characters in Tamil script]"),
        ("Haus ்", "Haus [1 character in Tamil script]"),
        ("Портовые резиденции", "Портовые резиденции"),
        ("Κατοικίες Λιμανιού", "Κατοικίες Λιμανιού"),
        ("港レジデンス", "港レジデンス"),
    ],
)
def test_a_run_without_glyphs_is_named_with_the_marks_on_it(name, shown):
    assert printable({"name": [name]}) == {"name": [shown]}


def test_days_and_instants_have_one_form():
    """Month names stand only where the month of the report is named."""
    said = words_of(with_status(customer(eventful_month(**OPEN))))
    others = ["January", "February", "March", "April", "May", "June", "July", "August", "October", "November"]
    assert not [month for month in others if month in said]
    assert set(re.findall(r"(\S+) 2026(?!-)", said)) <= {"September"}
