"""Chinese: every sentence of the code has its translation, and pages leave no English behind."""

import re
import runpy
from io import BytesIO

import pikepdf
import polib
import pytest
from django.conf import settings
from django.urls import reverse
from django.utils import translation
from time_machine import travel

from incidents.rules import OutageObjection
from sla_portal.customers.models import Client, CoreFunction
from sla_portal.reports.pdf import render
from tests.support.builders import a_contract, a_customer, a_region, a_window, an_exclusion, an_incident, an_outage, at
from tests.support.desk import a_member, page_of, signed_in, text_of
from tests.support.printed import texts
from tests.support.statements import customer, eventful_month, issued

SOURCE = settings.BASE_DIR / "sla_portal/locale/zh_Hans/LC_MESSAGES/django.po"
CHINESE = {"accept-language": "zh-hans"}
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%%")
TAG = re.compile(r"</?[a-z][^>]*>")
SENTENCE = re.compile(r"[A-Za-z][a-z’']+(?:[ ,]+[A-Za-z][a-z’']+)+")


@pytest.fixture(scope="module")
def source():
    return polib.pofile(str(SOURCE))


def said(entry: polib.POEntry) -> str:
    return entry.msgstr or entry.msgstr_plural.get(0, "")


def test_the_source_holds_every_sentence_of_the_code_and_no_other(source):
    marked = runpy.run_path(str(settings.BASE_DIR / "deploy" / "translations.py"))["marked"]
    code = {(sentence.context, sentence.text) for _path, sentence in marked()}
    assert len(code) > 1000
    assert {(entry.msgctxt, entry.msgid) for entry in source} == code, "make messages"


def test_no_sentence_is_marked_with_a_plural_in_one_place_and_without_in_another():
    # Lib/gettext.py of Python 3.11.2 (Debian 12) finds an entry with a plural only by `ngettext`; 3.11.7 by `gettext` too.
    marked = runpy.run_path(str(settings.BASE_DIR / "deploy" / "translations.py"))["marked"]
    plurals: dict[tuple[str | None, str], set[str]] = {}
    for _path, sentence in marked():
        plurals.setdefault((sentence.context, sentence.text), set()).add(sentence.plural)
    assert {text for text, found in plurals.items() if len(found) > 1} == set()


def test_every_sentence_is_translated(source):
    assert [entry.msgid for entry in source if not said(entry) or entry.fuzzy or entry.obsolete] == []


@pytest.mark.parametrize("part", [PLACEHOLDER, TAG])
def test_a_translation_keeps_placeholders_and_markup(source, part):
    changed = [
        entry.msgid
        for entry in source
        if set(part.findall(entry.msgid_plural or entry.msgid)) != set(part.findall(said(entry)))
    ]
    assert changed == []


def test_a_rules_sentence_is_translated_at_the_door():
    with translation.override("zh-hans"):
        assert all(translation.gettext(objection.sentence) != objection.sentence for objection in OutageObjection)


def english_in(text: str, *data: str) -> list[str]:
    """What of `text` reads as English words side by side; `data` are names that stay as they are."""
    for each in data:
        text = text.replace(each, "")
    return SENTENCE.findall(text)


def shown_on(client, address: str) -> str:
    """What a page says to those who see it and to those who hear it."""
    response = client.get(address, headers=CHINESE)
    assert response.status_code == 200, address
    spoken = re.findall(r'(?:aria-label|title|alt|placeholder)="([^"]+)"', response.content.decode())
    return " ".join([text_of(response), *spoken])


@pytest.fixture
def a_full_portal():
    """An open incident, an excluded one, windows told and overrun, a customer whose month was missed."""
    CoreFunction.objects.update(name="功能")
    Client.objects.update(name="客户端")
    europe = a_region(name="欧洲")
    a_contract(a_customer(europe, name="海港公寓"), "2026-01-01", "2026-12-31")
    an_outage(europe, "2026-09-10 11:47:30", None, incident=an_incident("INC-1", title="全部不可用"))
    a_region("us", name="北美")
    over = an_incident("INC-2", title="登录故障", resolved_at=at("2026-09-09 02:00"), attributable=False)
    an_outage(europe, "2026-09-09 01:00", "2026-09-09 01:30", incident=over)
    an_exclusion(over, reason="主管部门的命令", decision_reason="文件已核对")
    told = ("2026-09-01 00:00", "2026-09-10 11:00", "2026-09-10 11:30")
    window = a_window("2026-09-10 11:00", "2026-09-10 11:30", told, reference="MW-1", title="数据库升级")
    a_window("2026-09-11 11:00", "2026-09-11 11:30", reference="MW-2", title="割接")
    with travel(at("2026-09-10 12:00"), tick=False):
        yield [
            "/admin/",
            "/admin/incidents/incident/",
            page_of(over),
            reverse("admin:maintenance_window", args=[window.pk]),
            reverse("admin:months"),
            reverse("admin:month", args=["2026-09", "region", "eu"]),
        ]


@pytest.mark.django_db
@pytest.mark.parametrize(("role", "own"), [("NOC", "log_outage"), ("Legal", "close_month")])
def test_the_desk_leaves_no_english_behind(a_full_portal, role, own):
    desk = signed_in(a_member(role, name="wang"))
    addresses = [*a_full_portal, reverse(f"admin:{own}", args=["2026-09"] if own == "close_month" else [])]
    left = {address: english_in(shown_on(desk, address), "Legal Legal") for address in addresses}
    assert {address: found for address, found in left.items() if found} == {}


@pytest.mark.django_db
def test_the_website_leaves_no_english_behind(a_full_portal, client):
    addresses = ("/", "/incidents/", "/incidents/INC-1/", "/maintenance/", "/availability/", "/agreement/", "/notices/")
    left = {address: english_in(shown_on(client, address)) for address in addresses}
    assert {address: found for address, found in left.items() if found} == {}


@pytest.mark.pdf
def test_a_report_leaves_no_english_behind():
    figures = customer(eventful_month(language="zh-hans"))
    statement = issued(figures)
    pages = texts(pikepdf.open(BytesIO(render(statement))))
    left = english_in(
        " ".join(" ".join(pages).split()), "sha256sum figures", *sorted(strings_of(figures), key=len, reverse=True)
    )
    assert left == []


def strings_of(data) -> set[str]:
    if isinstance(data, str):
        return {data}
    inner = data.values() if isinstance(data, dict) else data if isinstance(data, list | tuple) else ()
    return set().union(*map(strings_of, inner))
