"""Chinese is whole: no page, e-mail or PDF in Chinese holds a Latin word, beside codes and what people typed."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from io import BytesIO, StringIO
from pathlib import Path
from zipfile import ZipFile

import pikepdf
import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import models, transaction
from django.http.response import HttpResponseBase
from django.test import Client, override_settings
from django.urls import URLPattern, get_resolver, reverse
from time_machine import travel

from claims.models import CalendarYear, Claim, Compensation, Enclosure, Letter, OwnDay
from claims.operations.unclaimed import confirm_invitation, propose_invitation
from claims.queries.applying import newest_token
from claims.queries.entitlements import Month, below_target, entitled_contracts
from incidents.models import Incident, Review
from incidents.operations import withdraw_review
from maintenance.models import AnnouncementRequest, MaintenanceWindow
from maintenance.operations import discard_draft
from sla_portal.agreements.models import AgreementVersion, RegisterEntry
from sla_portal.agreements.operations import change_draft
from sla_portal.agreements.queries.drafts import draft_content
from sla_portal.api.statuspage import opaque
from sla_portal.audit.actors import Actor
from sla_portal.audit.documents import register
from sla_portal.audit.models import Certificate, Check, Document
from sla_portal.audit.models import Kind as DocumentKind
from sla_portal.audit.rules import Fault, Finding
from sla_portal.audit.seals import seal_due
from sla_portal.availability.models import ClosingRequest, Exclusion, MonthClosing
from sla_portal.availability.operations import add_evidence
from sla_portal.customers.models import Contact, Customer, Region
from sla_portal.demo.build import build_demo
from sla_portal.kernel.months import ServiceMonth
from sla_portal.notices.mail.inbox import BACKEND
from sla_portal.notices.models import Attachment, Delivery, Kind, Notice, Wording
from sla_portal.notices.operations import (
    deliver_chunk,
    give_notice,
    invite,
    mail_checkpoints,
    note_bounce,
    notify_of_findings,
    send_test,
)
from sla_portal.notices.private import token
from sla_portal.notices.rules import INVITATION
from sla_portal.notices.wording import Words
from sla_portal.operator.models import Logo
from sla_portal.operator.queries import operator_in_force
from sla_portal.reports.emails import issued as reports_issued
from sla_portal.reports.models import Bundle, MailedReport, Report, ReportRun
from sla_portal.reports.operations import make_bundle, print_due_letters, request_bundle
from sla_portal.reports.operations.issuing import render_chunk
from sla_portal.reports.pdf import render
from sla_portal.reports.queries import RegionRecord
from sla_portal.staff.operations import count_failed_sign_in
from sla_portal.website.account.operations import mail_codes
from sla_portal.website.account.queries import notices_for
from tests.support.accounts import asked, in_account, newest_mail
from tests.support.builders import a_customer, a_window, an_exclusion, at
from tests.support.claim_form import Stranger
from tests.support.desk import filled
from tests.support.operators import a_logo, an_operator
from tests.support.printed import texts
from tests.support.statements import issued

pytestmark = [pytest.mark.django_db, pytest.mark.pdf, pytest.mark.sqlite]

NOW = at("2026-11-22 09:30")
ZH = "zh-hans"
CHINESE = {"accept-language": ZH}
PUBLIC, CONTACT = "public", "contact"
READER = "reader@example.com"
"""The address of a contact who reads in its customer account."""
ROLES = {
    PUBLIC: "",
    "NOC": "noc",
    "Support": "support",
    "Legal": "legal",
    "Auditor": "auditor",
    "Administrator": "admin",
}
VARIANTS = 2
"""So many records of a kind are read at most, each in another status."""

WORD = re.compile(r"[A-Za-z][A-Za-z’'-]+")
HAN = re.compile(r"[\u4e00-\u9fff]")
ALLOWED = frozenset(
    """API AVIF CORS CSV DNS EML HEIC HTML HTTP HTTPS IANA ID ISO JPEG JSON KB MB MTTA MTTR NOC PDF PNG RSS SHA SLA TXT URL UTC
    WebP XLSX ZIP Atlassian Atom CMS Cookie Linux macOS Windows If-None-Match Markdown Message-ID Python Statuspage
    sha sum""".split()  # noqa: SIM905
)
"""Abbreviations, formats, units and names of products and protocols."""
CODE = re.compile(
    r"%%[^%]+%%|https?://\S+|\S+@\S+|/[a-z][\w./-]*"
    r"|[\w.-]*\.(?:atom|com|csv|eml|html|ics|json|jsonl|pdf|png|py|txt|xlsx|zip)\b"
    r"|\b[0-9a-f]{12,}\b|\b[A-Z]{1,4}-[\w-]+"
    r"|[(（] ?(?:all|function|any) ?[)）]|all / function / any|\b[A-Z]+_[A-Z_]+\b|\bsha256sum --check|\bpython3\b"
    r"|\{\{[a-z_]+\}\}|\{[a-z]+\}|\bSHA256SUMS\b|\bcheckpoint-entry\b|\bcheckaudit --against\b|\b[a-z]+/(?=\s|$)"
)
"""Addresses, files, hashes, references, settings, commands, term markers, fields of replies, and codes of the counting rules (a term)."""
ZONE = re.compile(r"\b(?:[A-Z]\w+|US) ?/[A-Z][\w/+-]*")
"""IANA time zones."""
OURS = ("admin", "auth.group", "auth.permission", "audit.entry.action", "audit.entry.subject", "contenttypes")
"""Tables and fields whose words are the portal's own."""


class Visible(HTMLParser):
    """Texts that a page shows or speaks, without code and what is marked as English."""

    SPOKEN = ("aria-label", "title", "alt", "placeholder", "label", "data-label")
    VOID = ("br", "img", "input", "link", "meta", "hr", "wbr", "source", "col")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[tuple[str, bool]] = []
        self.texts: list[str] = []

    @property
    def hidden(self) -> bool:
        return any(hidden for _tag, hidden in self.open)

    def handle_starttag(self, tag, attrs) -> None:
        given = dict(attrs)
        if tag not in self.VOID:
            english = given.get("lang", "").startswith("en")
            self.open.append((tag, english or tag in ("script", "style", "code")))
        if not self.hidden:
            self.texts += [given[name] for name in self.SPOKEN if given.get(name)]
            if tag == "input" and given.get("type") in ("submit", "button", "reset"):
                self.texts.append(given.get("value") or "")

    def handle_endtag(self, tag) -> None:
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data) -> None:
        if data.strip() and not self.hidden:
            self.texts.append(data)


def texts_of(html: str) -> list[str]:
    page = Visible()
    page.feed(html)
    return page.texts


class Typed:
    """What people typed: the texts of the database, except Chinese ones and those that are the portal's own words."""

    def __init__(self) -> None:
        alone = {text for field, other in self.fields() if not other for text in self.values(field)}
        all_of_them = {text for field, _other in self.fields() for text in self.values(field)}
        self.alone, self.all_of_them = self.pattern(alone), self.pattern(all_of_them)

    @staticmethod
    def fields() -> Iterator[tuple[models.Field, bool]]:
        """Fields of texts, and whether another field holds the same in Chinese."""
        for model in apps.get_models():
            for field in model._meta.fields:
                text = isinstance(field, models.CharField | models.TextField | models.FileField)
                if text and not field.choices and not f"{model._meta.label_lower}.{field.name}".startswith(OURS):
                    yield field, hasattr(model, f"{field.name}_zh")

    @staticmethod
    def values(field: models.Field) -> set[str]:
        values = field.model._default_manager.exclude(**{field.name: ""}).values_list(field.name, flat=True)
        lines = {line for value in values if value for line in [str(value), *str(value).splitlines()]}
        return {" ".join(line.split()) for line in lines if WORD.search(line) and not HAN.search(line)}

    @staticmethod
    def pattern(lines: set[str]) -> re.Pattern[str]:
        longest_first = sorted(lines, key=len, reverse=True)
        return re.compile("|".join(rf"(?<![A-Za-z]){re.escape(line)}(?![A-Za-z])" for line in longest_first))

    def latin(self, texts: list[str], *, both: bool = False) -> list[str]:
        """The texts that hold Latin words; `both`: English that is there in Chinese too may be shown."""
        typed = self.all_of_them if both else self.alone
        plain = (" ".join(text.split()) for text in texts)
        found = (
            (text, set(WORD.findall(CODE.sub(" ", typed.sub(" ", ZONE.sub(" ", text))))) - ALLOWED) for text in plain
        )
        return [f"{sorted(words)}: {text}" for text, words in found if words]


@pytest.fixture(scope="module")
def portal(django_db_setup, django_db_blocker, tmp_path_factory):
    """The demo with an announcement, evidence, reports, an evidence bundle and delivered e-mails."""
    folder = tmp_path_factory.mktemp("portal")
    inbox = override_settings(EMAIL_BACKEND=BACKEND, MAIL_DIR=folder, MEDIA_ROOT=folder)
    rolled_back = transaction.atomic()
    rolled_back._from_testcase = True  # lets durable blocks be inside
    with django_db_blocker.unblock(), travel(NOW, tick=False), inbox, rolled_back:
        build_demo(NOW)
        people = {name: Actor.staff(User.objects.get(username=name)) for name in ("noc", "legal")}
        an_operator(NOW, logo=a_logo(), accent_light="#0a7a31", address_zh="汉堡港口街 12 号")
        words = [
            Words("en", "A new data centre", "Nothing changes."),
            Words("zh-hans", "新的数据中心", "对您没有影响。"),
        ]
        everyone = Contact.objects.all()
        give_notice(
            actor=people["legal"],
            kind="announcement",
            about="",
            wordings=words,
            audience=everyone,
            public=True,
            now=NOW,
        )
        invite_to_claim()
        upload = SimpleUploadedFile("report.pdf", b"%PDF-1.7")
        proposed = Exclusion.objects.filter(incident__isnull=False, status="proposed").first()
        add_evidence(actor=people["noc"], exclusion=proposed, upload=upload, now=NOW)
        render_chunk(ids=[Report.objects.filter(language=ZH).order_by("pk")[0].pk], clock=lambda: NOW)
        announced = AgreementVersion.objects.get(version="1.1")
        for _ in range(2):
            request_bundle(actor=people["legal"], version=announced, language=ZH, email="haiwan@example.com", now=NOW)
        make_bundle(pk=Bundle.objects.earliest("pk").pk, clock=lambda: NOW)
        undelivered, *mails = Delivery.objects.filter(contact__customer__language=ZH).order_by("-pk")[:20]
        deliver_chunk(ids=[mail.pk for mail in mails], clock=lambda: NOW)
        tell_of_a_report()
        note_bounce(mark=undelivered.message_id, permanent=True, said="no such user", key="1", now=NOW)
        OwnDay.objects.create(day=date(2026, 12, 24), working=False, note="休息日")
        draft = MaintenanceWindow.objects.get(notices__isnull=True, requests__isnull=True)
        discard_draft(actor=people["noc"], window=draft, reason="计划重复", now=NOW)
        idle = a_window("2026-11-20 01:00", "2026-11-20 02:00", title="未实施的升级", not_carried_out_at=NOW)
        an_exclusion(proposed.incident, "4.1", "proposed", maintenance=idle, proposed_at=NOW)
        CalendarYear.objects.create(year=2030, source="官方日历")
        count_failed_sign_in(name="noc", locked_out=False, now=NOW)
        with override_settings(CHECKPOINT_ADDRESSES=["notary@example.org"]):
            mail_checkpoints(now=NOW)
        User.objects.filter(username="auditor").update(email="auditor@example.com")
        faults = [Finding(fault, 1, 2, checkpoint).stored() for fault in Fault for checkpoint in (None, 1)]
        check = Check.objects.create(at=NOW, whole=True, entries=2, found=faults)
        notify_of_findings(check=check, now=NOW)
        administrator = User.objects.get(username="admin")
        for user in (administrator, User.objects.create_user("neu", "new@example.com")):
            told = send_test if user == administrator else invite
            told(actor=Actor.staff(administrator), user=user, now=NOW)
        a_reader()
        seal_all(folder / "key.pem")
        yield Typed()
        transaction.set_rollback(True)


def a_reader() -> None:
    """A contact of customers with a grant or a report has signed in to its account."""
    granted = Customer.objects.filter(contracts__claims__compensations__isnull=False)
    for customer in (granted | Customer.objects.filter(reports__status="ready")).distinct():
        customer.contacts.create(email=READER)
    in_account(READER, NOW)


def tell_of_a_report() -> None:
    """An installer is told of the report of its site."""
    report = Report.objects.get(status="ready")
    installer = a_customer(report.customer.region, "C-9001", name="安装商", language=ZH)
    installer.contacts.create(email="anzhuang@example.com")
    site = Customer.objects.filter(pk=report.customer_id)
    site.update(installer=installer)
    month = ServiceMonth.of(report.month)
    given = {"kind": "report", "about": str(month), "wordings": reports_issued(month), "public": False, "now": NOW}
    notice = give_notice(actor=Actor.system("schedule"), customers=site, **given)
    MailedReport.objects.create(report=report, notice=notice)


def seal_all(key: Path) -> None:
    """Seal what was issued, but for one document whose file is missing."""
    with override_settings(SEAL_KEY="", DEMONSTRATION_KEY=key):
        call_command("demosealkey", stdout=StringIO())
    register(kind=DocumentKind.REPORT, number="SLA-2026-10-0", sha256="0" * 64, issued_at=NOW, pdf="none.pdf")
    with override_settings(SEAL_KEY=str(key)):
        while seal_due(clock=lambda: NOW):
            pass


# Pages


def routes(resolver=None, before: str = "") -> Iterator[str]:
    for each in (resolver or get_resolver()).url_patterns:
        if isinstance(each, URLPattern):
            yield before + str(each.pattern)
        else:
            yield from routes(each, before + str(each.pattern))


def variants(model: type[models.Model]) -> list[models.Model]:
    """Records of a kind that differ in their choices and in what is filled in."""
    fields = [field for field in model._meta.fields if field.choices or field.null]
    found = {tuple(getattr(row, f.attname) if f.choices else getattr(row, f.attname) is None for f in fields): row
             for row in model._default_manager.order_by("-pk")[:200]}  # fmt: skip
    return list(found.values())[:VARIANTS]


def enclosed() -> Enclosure:
    """A file that goes with a letter."""
    given = {"kind": "txt", "size": 1, "sha256": "0" * 64, "content": b"x", "scan": "clean", "added_at": NOW}
    agent = User.objects.filter(groups__name="Support")[0]
    return Enclosure.objects.get_or_create(
        claim=Claim.objects.latest("pk"), name="日志.txt", defaults={**given, "added_by": agent}
    )[0]


def printed_letters() -> list[Letter]:
    print_due_letters(clock=lambda: NOW)
    letters = Letter.objects.filter(printed_at__isnull=False).select_related("claim", "notice")
    return [one for one in letters if newest_token(one.claim, NOW)][:1]


def claim_links() -> list[str]:
    tokens = (newest_token(claim, NOW) for claim in Claim.objects.all())
    return [token for token in tokens if token][:VARIANTS]


def given(route: str) -> list[dict[str, object]] | None:
    """The arguments of routes whose arguments are not simply a record of `admin/<app>/<model>/`."""
    month = {"month": "2026-10"}
    mail = Delivery.objects.filter(notice__kind="amendment", notice__about="1.1").latest("pk")
    attachment = Attachment.objects.latest("pk")
    told = Delivery.objects.get(notice__kind="report", contact__customer__code="C-9001")
    stored = [path.stem for path in settings.MAIL_DIR.glob("*.eml")]
    apps_of_desk = "audit customers notices agreements incidents maintenance availability claims reports auth staff"
    own = Exclusion.objects.get(status="proposed", customer__isnull=False)
    amendment = AgreementVersion.objects.get(version="1.1")
    request = ClosingRequest.objects.latest("pk")
    scopes = [("region", "eu"), ("region", "apac"), ("customer", "C-1001"), ("customer", "C-2001")]
    requests = [{"pk": one.window_id, "number": one.pk} for one in AnnouncementRequest.objects.all()]
    closings = [{"month": f"{one.month:%Y-%m}", "revision": one.revision} for one in MonthClosing.objects.all()[:1]]
    announcements = [{"about": Notice.objects.filter(public=True).latest("pk").number}]
    special = {
        "admin/availability/months/<str:month>/<str:scope>/<str:code>/": [
            {"month": month, "scope": scope, "code": code} for month in ("2026-10", "2026-11") for scope, code in scopes
        ],
        "admin/availability/months/<str:month>/<str:scope>/<str:code>/minutes/": [
            {"month": month, "scope": scope, "code": code}
            for month in ("2026-10", "2026-11")
            for scope, code in scopes[::2]
        ],
        **{
            f"admin/availability/months/<str:month>/closing-requests/<int:pk>/{step}/": [
                {"month": str(request.service_month), "pk": request.pk}
            ]
            for step in ("confirm", "return", "withdraw")
        },
        "admin/claims/ledger/<str:form>/": [{"form": "csv"}],
        "admin/claims/ledger/balance/<str:form>/": [{"form": "csv"}],
        "admin/claims/ledger/billing/<int:number>/<str:form>/": [{"number": 1, "form": "csv"}],
        "admin/claims/credit-note/<str:number>/": [{"number": "CN-2026-0001"}],
        "calendars/private/<str:token>.ics": [{"token": "1-x"}],
        "admin/claims/enclosure/<int:pk>/": [{"pk": enclosed().pk}],
        "claims/<str:token>/letters/<str:number>.pdf": [
            {"token": newest_token(one.claim, NOW), "number": one.notice.number} for one in printed_letters()
        ],
        "admin/incidents/export/<str:form>/": [{"form": "csv"}],
        "admin/customers/customer/<int:pk>/periods/<str:form>/": [
            {"pk": Customer.objects.latest("pk").pk, "form": "csv"}
        ],
        "admin/maintenance/export/<str:form>/": [{"form": "csv"}],
        "admin/availability/months/export/regions/<str:form>/": [{"form": "csv"}],
        "admin/availability/months/export/customers/<str:form>/": [{"form": "csv"}],
        "admin/r/<path:content_type_id>/<path:object_id>/": [{"content_type_id": 1, "object_id": 1}],
        "admin/notices/notice/<int:pk>/attachments/<str:name>": [{"pk": attachment.notice_id, "name": attachment.name}],
        "admin/agreements/amendments/answers/<int:pk>/withdraw/": [{"pk": amendment.answers.get().pk}],
        "reports/<int:pk>/file": [{"pk": Report.objects.get(status="ready").pk}],
        "api/<path:anything>": [{"anything": "v2/nothing.json"}],
        "api/v2/incidents/<str:identity>.json": [{"identity": opaque("incident", Incident.objects.first().reference)}],
        "admin/availability/months/<str:month>/closings/<int:revision>/": closings,
        "admin/availability/months/<str:month>/closings/<int:revision>/seal/": closings,
        "notices/<str:about>/content.json": announcements,
        "notices/<str:about>/content.json.p7s": announcements,
        "agreement/<str:about>/text.json.p7s": [{"about": "1.1"}],
        "checkpoints/<int:about>.json": [{"about": 1}],
        "checkpoints/<int:about>.json.p7s": [{"about": 1}],
        "verify/certificates/<str:fingerprint>.pem": [{"fingerprint": Certificate.objects.get().fingerprint}],
        "operator/<str:name>.css": [{"name": operator_in_force().stylesheet}],
        "operator/<str:name>": [{"name": Logo.objects.get().picture.file_name}],
        "incidents/<path:reference>/": [{"reference": row.reference} for row in variants(Incident)],
        "admin/maintenance/maintenancewindow/<int:pk>/requests/<int:number>/": requests,
        "admin/maintenance/maintenancewindow/<int:pk>/requests/<int:number>/withdraw/": requests,
        "admin/maintenance/maintenancewindow/<int:pk>/requests/<int:number>/return/": requests,
        "maintenance/<path:reference>/": [
            {"reference": row.reference}
            for row in MaintenanceWindow.objects.filter(notices__isnull=False).distinct()[:2]
        ],
        "maintenance/<str:code>.ics": [{"code": "eu"}],
        "availability/<str:code>/": [{"code": code} for code in ("eu", "apac", "amer")],
        "availability/<str:code>/<str:month>/": [{"code": "eu", **month}, {"code": "amer", "month": "2026-11"}],
        "availability/<str:code>/<str:month>/minutes/": [{"code": "eu", **month}, {"code": "amer", "month": "2026-11"}],
        "reports/mailed/<str:token>/": [{"token": token(told)}],
        "reports/mailed/<str:token>/all.zip": [{"token": token(told)}],
        "reports/mailed/<str:token>/<int:pk>.pdf": [
            {"token": token(told), "pk": Report.objects.get(status="ready").pk}
        ],
        "claims/minutes/<str:token>/": [{"token": token} for token in claim_links()],
        "notices/<path:number>/": [{"number": row.number} for row in Notice.objects.filter(public=True)],
        "agreement/answer/<str:token>/": [{"token": token(mail)}],
        "admin/password/<str:token>/": [
            {"token": token(Delivery.objects.get(notice__about__startswith=INVITATION))},
            {"token": "1-x"},
        ],
        # Nothing asks to withdraw a version; the page that names a request which is not there says so.
        "admin/agreements/amendments/<int:pk>/withdraw/<int:request_pk>/<str:step>/": [
            {"pk": amendment.pk, "request_pk": 0, "step": "confirm"}
        ],
        "agreement/<str:version>/text.json": [{"version": "1.1"}],
        "agreement/<str:before>/<str:after>/": [{"before": "1.0", "after": "1.1"}],
        "agreement/<path:version>/": [{"version": version} for version in ("1.0", "1.1")],
    }
    for name, rows in special.items():
        if route == name:
            return rows
    if "app_label" in route:
        return [{"app_label": label} for label in apps_of_desk.split()]
    if "notice/inbox/<str:name>" in route:
        return [{"name": stored[0]}]
    if route.startswith("admin/availability/months/<str:month>"):
        return [month, {"month": "2026-09"}]
    if "/own/<int:exclusion>/" in route:
        claim = Claim.objects.get(contract__customer=own.customer)
        return [{"pk": claim.pk, "exclusion": own.pk}]
    if "/customers/<path:code>/" in route:
        return [{"pk": amendment.pk, "code": code} for code in ("C-1001", "C-2001")]
    if route.startswith("claims/<str:token>/"):
        return [{"token": token} for token in claim_links()]
    if route == "claim/<str:key>/<str:step>/":
        return [dict(zip(("key", "step"), address.split("/")[2:4], strict=True)) for address in claim_form()]
    return None


def in_the_account(route: str) -> dict[str, object]:
    """The arguments of a page of the customer account."""
    claim, report = (
        Compensation.objects.earliest("pk").claim,
        Report.objects.get(status="ready", customer__isnull=False),
    )
    notice = notices_for(claim.contract.customer).filter(attachments__isnull=False).first()
    if "<str:key>" in route or "<str:token>" in route:
        key = asked(READER).split("/")[-2]
        mail_codes(now=NOW)
        return {"key": key, "token": token(newest_mail(READER))}
    if "reports/<int:pk>" in route:
        return {"code": report.customer.code, "pk": report.pk}
    number = notice.number if "messages/" in route else claim.number
    code = claim.contract.customer.code
    return {"code": code, "number": number, "pk": notice.attachments.first().pk, "month": "2026-10"}


MODELS = {
    "admin/agreements/amendments/register/": RegisterEntry,
    "admin/agreements/amendments/": AgreementVersion,
    "admin/reports/runs/": ReportRun,
    "admin/reports/bundles/": Bundle,
    "admin/claims/extension/": Compensation,
}


def claim_form() -> list[str]:
    """The steps of an application, each open."""
    stranger = Stranger("2026-10")
    stranger.name_contract("K-1004-1", "nordlicht@example.com")
    stranger.give_times(
        from_day=["2026-10-12", ""],
        from_time=["13:21", ""],
        until_day=["", ""],
        until_time=["13:29", ""],
        description="门打不开",
    )
    stranger.prove()
    stranger.send("code", code=stranger.fetch_code(NOW))
    return [stranger.at(step) for step in ("contract", "times", "proof", "code", "check")]


def addresses(route: str) -> list[str]:
    """The addresses of a route, one for each kind of record; a route whose arguments nobody gave fails."""
    names = re.findall(r"<(?:\w+:)?(\w+)>", route)
    rows = [{}]
    if names:
        rows = [in_the_account(route)] if route.startswith("account/") else given(route)
    if rows is None:
        assert len(names) == 1, f"give the arguments of {route}"
        model = next((model for start, model in MODELS.items() if route.startswith(start)), None)
        rows = [{names[0]: row.pk} for row in variants(model or apps.get_model(*route.split("/")[1:3]))]
    if "(?P<" in route:
        return [f"/admin/{row['app_label']}/" for row in rows]
    return ["/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda name: str(row[name[1]]), route) for row in rows]  # noqa: B023


BOTH_LANGUAGES = (
    "/admin/customers/",
    "/admin/audit/",
    "/admin/incidents/incidenttemplate/",
    "/admin/incidents/updatetemplate/",
    "/admin/claims/savedreply/",
    "/admin/setup/agreement/",
    "/admin/agreements/registerentry/",
    "/admin/agreements/agreementversion/",
    "/admin/operator-identity/",
)
"""Where records that have a field for each language are seen with all their fields."""
WITHOUT_PAGE = {
    "admin/(?P<url>.*)$", "admin/logout/", "api/<path:anything>", "i18n/setlang/", "agreement/compare/",
    "admin/claims/mention/<int:pk>/read/", "calendars/private/<str:token>.ics",
}  # fmt: skip


def readers() -> dict[str, Client]:
    """Somebody of each role, signed in, and somebody of the public."""
    found = {role: Client(headers=CHINESE) for role in ROLES}
    for role, name in ROLES.items():
        if name:
            found[role].force_login(User.objects.get(username=name))
    found[CONTACT] = in_account(READER, NOW, headers=CHINESE)
    return found


def answers(route: str, readers: dict[str, Client]) -> Iterator[tuple[str, str, HttpResponseBase]]:
    """What each reader gets at each address of a route."""
    for address in addresses(route):
        for role, reader in readers.items():
            if role == PUBLIC or (role == CONTACT and address.startswith("/account/")) or address.startswith("/admin/"):
                response = reader.get(address)
                for close in response._resource_closers:  # `close()` would close the database, too
                    close()
                yield role, address, response


def test_no_page_of_any_role_holds_a_latin_word(portal):
    english, unanswered, everyone = {}, [], readers()
    for route in sorted(set(routes()) - WITHOUT_PAGE):
        answered = set()
        for role, address, response in answers(route, everyone):
            answered.add(response.status_code)
            if response["Content-Type"].startswith("text/html") and not response.streaming:
                both = address.startswith(BOTH_LANGUAGES)
                if found := portal.latin(texts_of(response.content.decode()), both=both):
                    english[f"{role} {address} {response.status_code}"] = found
        if answered <= {403, 404}:
            unanswered.append(route)
    assert english == {}
    assert unanswered == []


def test_no_answer_about_a_document_holds_a_latin_word(portal):
    reader = Client(headers=CHINESE)
    for row in (Document.objects.filter(kind="bundle").first(), Document.objects.filter(kind="agreement").first()):
        for typed in (
            {"sha256": row.sha256},
            {"number": row.number, "check_code": row.check_code},
            {"sha256": "0" * 64},
            {},
        ):
            page = reader.post("/verify/", typed).content.decode()
            assert portal.latin(texts_of(page)) == [], typed


def invite_to_claim() -> None:
    """Invite the customer of a contract that could still be claimed for."""
    ann, ben = (Actor.staff(User.objects.get(username=name)) for name in ("support", "support2"))
    for month in (ServiceMonth(2026, 9), ServiceMonth(2026, 10)):
        customers = list(below_target(month, unclaimed=True).values_list("customer", flat=True))
        for line in entitled_contracts(Month(month, NOW), customers, unclaimed=True):
            invitation = propose_invitation(actor=ann, contract=line.entitled.contract, month=month, now=NOW)
            confirm_invitation(actor=ben, invitation=invitation, now=NOW)
            return


def stale(user: str, name: str, row: models.Model, having: str, **typed) -> HttpResponseBase:
    """What a form of a page answers that showed nothing of what its record became."""
    client = Client(headers=CHINESE)
    client.force_login(User.objects.get(username=user))
    url = reverse(f"admin:{name}", args=[row.pk])
    return filled(client, client.get(url), url, having, seen=f"0 {url}", **typed)


def test_no_page_of_what_changed_meanwhile_holds_a_latin_word(portal):
    draft = AgreementVersion.objects.drafts().filter(submitted_at=None).latest("pk")
    first, *rest = draft_content(draft).clauses
    other = Actor.staff(User.objects.get(username="legal2"))
    change_draft(
        actor=other, draft=draft, terms={"voucher_valid_months": 30},
        clauses=[replace(first, summary="他们的。"), *rest], summary_of_changes_zh="他们的变更。", now=NOW,
    )  # fmt: skip
    incident = Incident.objects.filter(resolved_at=None, voided_at=None, merged_into=None).latest("pk")
    reviewed = Review.objects.get().incident
    withdraw_review(actor=other, incident=reviewed, reason="重写", now=NOW)
    pages = [
        stale("legal", "amendment", draft, "clauses-0-number", do="save", voucher_valid_months="31",
              summary_of_changes_zh="我的变更。", **{"clauses-0-summary": "我的。"}),
        stale("noc", "incident_page", incident, "end", end="now"),
        stale("noc", "incidents_incident_change", incident, "title", title="网关故障", why="更清楚"),
        stale("noc", "incident_review", reviewed, "cause", cause="原因"),
    ]  # fmt: skip
    assert [page.status_code for page in pages] == [409] * len(pages)
    assert "保留对方的" in pages[0].content.decode()
    assert [portal.latin(texts_of(page.content.decode()), both=True) for page in pages] == [[]] * len(pages)


# E-mails and PDFs


def test_no_email_holds_a_latin_word(portal):
    wordings = Wording.objects.filter(language=ZH).select_related("notice")
    assert {wording.notice.kind for wording in wordings} == set(Kind.values)
    found = {
        (wording.notice.number, part): portal.latin(words)
        for wording in wordings
        for part, words in {
            "text": [wording.subject, *wording.text.splitlines()],
            "html": texts_of(wording.html),
        }.items()
    }
    assert {name: words for name, words in found.items() if words} == {}


def printed(pdf: bytes) -> list[str]:
    return [" ".join(page.split()) for page in texts(pikepdf.open(BytesIO(pdf)))]


def test_no_report_holds_a_latin_word(portal):
    with Report.objects.get(status="ready").file as file:
        of_customer = file.read()
    with override_settings(LANGUAGE_CODE=ZH):
        figures = RegionRecord(Region.objects.get(code="apac"), ServiceMonth(2026, 10), NOW).of_region()
    of_region = render(issued(figures))
    assert [portal.latin(printed(pdf)) for pdf in (of_customer, of_region)] == [[], []]


def test_no_page_of_an_evidence_bundle_holds_a_latin_word(portal):
    with Bundle.objects.get(status="ready").file as file, ZipFile(file) as bundle:
        # What was attached to the announcement is there in both languages.
        papers = [name for name in bundle.namelist() if name.endswith(".pdf") and ".en." not in name]
        found = {name: portal.latin(printed(bundle.read(name))) for name in papers}
        readme = portal.latin(bundle.read("README.txt").decode().splitlines())
    assert len(found) == 4
    assert (found, readme) == ({name: [] for name in found}, [])
