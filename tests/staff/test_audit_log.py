"""Every write through a staff form is in the audit log: who, when, the changes and the reason."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.urls import reverse
from time_machine import travel

from sla_portal.agreements.models import Contract
from sla_portal.audit.actors import Actor
from sla_portal.audit.models import Chain, Entry
from sla_portal.audit.operations import record
from sla_portal.audit.rules import GENESIS
from sla_portal.audit.verbs import VERBS
from sla_portal.customers.models import Region
from tests.support.builders import a_contract, a_customer, a_region, an_incident, an_outage, at, on
from tests.support.desk import PASSWORD, a_member, signed_in, text_of
from tests.support.unguarded import unguarded

pytestmark = pytest.mark.django_db
NOW = at("2026-09-10 12:00")
NO_RIGHTS = dict.fromkeys(("legal_notices", "may_terminate", "may_claim"), False)


@pytest.fixture(autouse=True)
def now():
    with travel(NOW, tick=False):
        yield


@pytest.fixture
def administrator():
    return signed_in(a_member("Administrator", "anna"))


def rows(prefix: str, *filled: dict, initial: int = 0) -> dict:
    """What the rows inside a form send."""
    sent = {f"{prefix}-TOTAL_FORMS": len(filled), f"{prefix}-INITIAL_FORMS": initial}
    for number, row in enumerate(filled):
        sent |= {f"{prefix}-{number}-{name}": value for name, value in row.items()}
    return sent


def last_entry() -> Entry:
    return Entry.objects.order_by("-id").first()


def test_an_added_record_is_logged_with_user_and_time(administrator):
    region = a_region()
    facts = {"code": "C-1", "name": "Hafen Residences", "region": region.pk, "language": "en"}
    contacts = rows("contacts", {"email": "ops@example.com", "name": "Operations"})
    administrator.post(reverse("admin:customers_customer_add"), facts | contacts)
    entry = last_entry()
    assert (entry.actor.username, entry.action, entry.at) == ("anna", "added", NOW)
    assert entry.subject == "Hafen Residences (C-1)"
    assert entry.changes == {
        "code": [None, "C-1"],
        "name": [None, "Hafen Residences"],
        "region": [None, "Eu"],
        "language": [None, "en"],
        "bundled": [None, False],
        "reports_by_mail": [None, False],
        "contact ops@example.com": [None, {"email": "ops@example.com", "name": "Operations", **NO_RIGHTS}],
    }


def test_a_change_is_logged_with_old_value_new_value_and_reason(administrator):
    region = a_region("eu", name="Europe")
    url = reverse("admin:customers_region_change", args=[region.pk])
    facts = {"code": "eu", "name": "Europe and Africa", "time_zone": "Europe/Berlin"}
    administrator.post(url, {**facts, "why": "Lagos is served from Frankfurt"})
    entry = last_entry()
    assert entry.action == "changed"
    assert entry.changes == {"name": ["Europe", "Europe and Africa"], "time_zone": [None, "Europe/Berlin"]}
    assert entry.reason == "Lagos is served from Frankfurt"
    page = text_of(administrator.get(url))
    assert "name: Europe → Europe and Africa" in page
    assert "Lagos is served from Frankfurt" in page


@pytest.mark.parametrize("why", ["", "   "])
def test_a_change_needs_a_reason(administrator, why):
    region = a_region("eu", name="Europe")
    url = reverse("admin:customers_region_change", args=[region.pk])
    response = administrator.post(url, {"code": "eu", "name": "Elsewhere", "why": why})
    assert "This field is required" in text_of(response)
    assert Region.objects.get().name == "Europe"
    assert not Entry.objects.exists()


def test_saving_without_changes_writes_nothing(administrator):
    region = a_region("eu", name="Europe")
    url = reverse("admin:customers_region_change", args=[region.pk])
    administrator.post(url, {"code": "eu", "name": "Europe", "why": "A look"})
    assert not Entry.objects.exists()


def test_inline_rows_are_logged_one_by_one(administrator):
    customer = a_customer(a_region("eu", name="Europe"), "C-1", name="Hafen Residences")
    gone = customer.contacts.create(email="a@example.com", name="Ann")
    moved = customer.contacts.create(email="b@example.com")
    contacts = rows(
        "contacts",
        {"id": gone.pk, "customer": customer.pk, "email": "a@example.com", "name": "Ann", "DELETE": "on"},
        {"id": moved.pk, "customer": customer.pk, "email": "c@example.com", "name": ""},
        {"customer": customer.pk, "email": "d@example.com", "name": "Dan"},
        initial=2,
    )
    facts = {"code": "C-1", "name": "Hafen Residences", "region": customer.region_id, "language": "en", "bundled": "on"}
    url = reverse("admin:customers_customer_change", args=[customer.pk])
    administrator.post(url, {**facts, **contacts, "why": "New people"})
    assert last_entry().changes == {
        "contact a@example.com": [{"email": "a@example.com", "name": "Ann", **NO_RIGHTS}, None],
        "contact c@example.com": [{"email": "b@example.com"}, {"email": "c@example.com"}],
        "contact d@example.com": [None, {"email": "d@example.com", "name": "Dan", **NO_RIGHTS}],
    }
    assert last_entry().reason == "New people"


def test_payments_are_added_and_never_changed(administrator):
    contract = a_contract(a_customer(a_region(), "C-1"), "2026-01-01", "2026-12-31", reference="K-1")
    first = contract.payments.create(reference="P-1", paid_on=on("2026-02-01"), amount="49")
    facts = {
        "customer": contract.customer_id,
        "reference": "K-1",
        "starts_on": "2026-01-01",
        "ends_on": "2026-12-31",
        "monthly_charge": "49.00",
        "currency": "EUR",
        "trial_days": "0",
    }
    payments = rows(
        "payments",
        {"id": first.pk, "contract": contract.pk, "reference": "P-1", "paid_on": "2026-02-01", "amount": "4900"},
        {"contract": contract.pk, "reference": "P-2", "paid_on": "2026-03-01", "amount": "50"},
        initial=1,
    )
    url = reverse("admin:agreements_contract_change", args=[contract.pk])
    administrator.post(url, {**facts, **payments, **rows("suspensions"), "why": "Paid"})
    amounts = Contract.objects.get().payments.values_list("reference", "amount")
    assert list(amounts) == [("P-1", 49), ("P-2", 50)]
    payment = {"reference": "P-2", "paid_on": "2026-03-01", "amount": "50"}
    assert last_entry().changes == {"payment P-2": [None, payment]}


def test_a_deletion_is_logged_with_the_old_values_and_the_reason(administrator):
    customer = a_customer(a_region(), "C-1")
    contact = customer.contacts.create(email="a@example.com", name="Ann")
    url = reverse("admin:customers_contact_delete", args=[contact.pk])
    refused = administrator.post(url, {"post": "yes", "why": " "}, follow=True)
    assert "Enter a reason for deleting the record." in text_of(refused)
    assert customer.contacts.exists()
    administrator.post(url, {"post": "yes", "why": "Left the house"})
    entry = last_entry()
    assert (entry.action, entry.subject, entry.reason) == ("deleted", "a@example.com", "Left the house")
    assert entry.changes["email"] == ["a@example.com", None]
    assert not customer.contacts.exists()


def test_a_write_and_its_entry_are_one_transaction(administrator):
    region = a_region("eu", name="Europe")
    url = reverse("admin:customers_region_change", args=[region.pk])
    administrator.post(url, {"code": "eu", "name": "Europa", "why": "As they say it"})
    # The next entry would have the same previous hash as the first, which the database refuses.
    with unguarded():
        Chain.objects.update(last_hash=GENESIS)
    administrator.raise_request_exception = False
    assert administrator.post(url, {"code": "eu", "name": "Elsewhere", "why": "A move"}).status_code == 500
    assert Region.objects.get().name == "Europa"


def test_a_password_is_never_logged(administrator):
    secret = "a very long secret"
    facts = {"username": "nora", "first_name": "Nora", "password1": secret, "password2": secret}
    administrator.post(reverse("admin:auth_user_add"), facts)
    nora = User.objects.get(username="nora")
    assert nora.is_staff
    assert last_entry().changes["password1"] == [None, "new value set"]
    url = reverse("admin:auth_user_password_change", args=[nora.pk])
    administrator.post(url, {"password1": PASSWORD, "password2": PASSWORD})
    assert last_entry().subject == "nora"
    assert nora.password != User.objects.get(username="nora").password
    logged = str(list(Entry.objects.values_list("changes", flat=True)))
    assert secret not in logged
    assert PASSWORD not in logged


def test_a_change_of_roles_is_logged(administrator):
    nora = a_member("NOC", "nora")
    legal = nora.groups.model.objects.get(name="Legal")
    url = reverse("admin:auth_user_change", args=[nora.pk])
    facts = {"username": "nora", "first_name": "NOC", "is_active": "on", "groups": [legal.pk]}
    administrator.post(url, {**facts, "why": "Moved desks"})
    assert last_entry().changes == {"groups": [["NOC"], ["Legal"]]}


def test_the_audit_log_is_at_the_end_of_a_record_and_its_history_url_leads_there(administrator):
    region = a_region("eu", name="Europe")
    change = reverse("admin:customers_region_change", args=[region.pk])
    assert "The audit log has no entry about this record" in text_of(administrator.get(change))
    assert administrator.get(reverse("admin:customers_region_history", args=[region.pk])).url == f"{change}#audit-log"


def test_the_audit_log_is_listed_searched_and_checked(administrator):
    region = a_region("eu", name="Europe")
    url = reverse("admin:customers_region_change", args=[region.pk])
    administrator.post(url, {"code": "eu", "name": "Europa", "why": "As they say it"})
    audit_log = reverse("admin:audit_entry_changelist")
    for asked in ("", "?action=changed", "?kind=customers.region", "?q=Europa"):
        assert "As they say it" in text_of(administrator.get(audit_log + asked)), asked
    for asked in ("?action=logged", "?kind=customers.customer", "?q=Asia"):
        assert "As they say it" not in text_of(administrator.get(audit_log + asked)), asked
    assert "The audit log is intact: 1 entry" in text_of(administrator.get(reverse("admin:check_integrity")))


def test_the_audit_log_is_filtered_by_person_kind_record_and_day(administrator):
    region = a_region("eu", name="Europe")
    url = reverse("admin:customers_region_change", args=[region.pk])
    # 2026-09-10 in UTC, 2026-09-11 in the SLA time zone
    with travel(at("2026-09-10 17:00"), tick=False):
        administrator.post(url, {"code": "eu", "name": "Europa", "why": "As they say it"})
    record(actor=Actor.system("history"), action="added", subject=an_incident("INC-1"), now=at("2026-09-12 01:00"))
    anna = User.objects.get(username="anna")
    audit_log = reverse("admin:audit_entry_changelist")

    def found(asked: str) -> tuple[bool, bool]:
        page = text_of(administrator.get(f"{audit_log}?{asked}"))
        return "As they say it" in page, "INC-1 Gateway lost" in page

    assert found("") == (True, True)
    assert found(f"person={anna.pk}") == (True, False)
    assert found("person=portal") == (False, True)
    assert found("day=2026-09-11") == (True, False)
    assert found("day=2026-09-12") == (False, True)
    assert found("day=2026-09-10") == (False, False)
    assert found(f"day=2026-09-11&person={anna.pk}&kind=customers.region&q=Europa") == (True, False)
    assert found("q=INC-1") == (False, True)
    page = administrator.get(f"{audit_log}?person={anna.pk}&q=Europa").content.decode()
    assert f'<input type="hidden" name="person" value="{anna.pk}">' in page
    assert '<input type="hidden" name="q" value="Europa">' in page
    administrator.post(reverse("admin:clock"), {"zone": "UTC"})
    assert found("day=2026-09-10") == (True, False)


@pytest.mark.parametrize(
    "asked", ["day=yesterday", "day=9999-12-31", "person=nobody", "person=99999", "day=0001-01-01"]
)
def test_a_filter_that_is_none_shows_the_list_from_its_beginning(administrator, asked):
    answer = administrator.get(f"{reverse('admin:audit_entry_changelist')}?{asked}", follow=True)
    assert answer.status_code == 200


def test_a_broken_chain_is_reported_with_its_first_broken_entry(administrator):
    region = a_region("eu", name="Europe")
    url = reverse("admin:customers_region_change", args=[region.pk])
    administrator.post(url, {"code": "eu", "name": "Europa", "why": "As they say it"})
    with unguarded():
        Chain.objects.update(last_hash="f" * 64)
    administrator.post(url, {"code": "eu", "name": "Europe", "why": "Back again"})
    page = text_of(administrator.get(reverse("admin:check_integrity")))
    assert f"The hash chain is broken at entry {last_entry().pk}" in page


def test_correcting_an_incident_logs_its_outages(administrator):
    noc = signed_in(a_member("NOC"))
    noc.post(reverse("admin:clock"), {"zone": "UTC"})
    region = a_region("eu", name="Europe")
    incident = an_incident("INC-1", title="Gateway lost", detected_at=at("2026-09-10 01:00"))
    outage = an_outage(region, "2026-09-10 01:00", None, incident=incident, functions=("login",))
    sent = correction(incident, outage, ended_at="2026-09-10 01:10:00", functions=["all"])
    noc.post(reverse("admin:incidents_incident_change", args=[incident.pk]), {**sent, "why": "The log says so"})
    outage.refresh_from_db()
    assert outage.ended_at == at("2026-09-10 01:10")
    assert not outage.functions.exists()
    name = "outage Europe 2026-09-10 01:00:00 UTC"
    assert last_entry().changes == {
        name: [
            {"ended_at": None, "functions": ["Login"]},
            {"ended_at": "2026-09-10T01:10:00Z", "functions": ["all"]},
        ]
    }


def correction(incident, outage, **changed) -> dict:
    """What the correction form sends for an incident with one outage; instants as typed in UTC."""
    facts = {"title": incident.title, "source": incident.source, "ticket_number": incident.ticket_number}
    row = {
        "id": outage.pk,
        "incident": incident.pk,
        "region": outage.region_id,
        "started_at": f"{outage.started_at:%Y-%m-%d %H:%M:%S}",
        "ended_at": "",
        "functions": ["all"],
        "clients": ["all"],
        **changed,
    }
    typed = {}
    for name in ("started_at", "ended_at"):
        day, _, time = row.pop(name).partition(" ")
        typed |= {f"{name}_0": day, f"{name}_1": time}
    detected = {
        "detected_at_0": f"{incident.detected_at:%Y-%m-%d}",
        "detected_at_1": f"{incident.detected_at:%H:%M:%S}",
    }
    return {**facts, **detected, **rows("outages", {**row, **typed}, initial=1)}


def test_every_verb_of_the_audit_log_has_a_translation():
    """Found where operations write them as `action="…"` or `Written("…")`."""
    root = Path(settings.BASE_DIR)
    code = "".join(
        file.read_text()
        for folder in ("sla_portal", "incidents", "maintenance", "claims")
        for file in (root / folder).rglob("*.py")
        if not {"assets", "commands"} & {*file.parts}
    )
    written = set(re.findall(r'(?:action=|Written\(\s*)"([a-z ]+)"', code))
    assert {"logged", "announced", "changed by a history file"} <= set(VERBS)
    assert written - set(VERBS) == set()


def test_entries_are_recorded_in_one_language_and_shown_in_the_readers(administrator):
    region = a_region("eu", name="Europe", name_zh="欧洲")
    add = reverse("admin:customers_customer_add")
    typed = {"code": "C-9", "name": "Hafen", "region": region.pk, "language": "en"}
    inline = {f"contacts-{name}": value for name, value in [("TOTAL_FORMS", 0), ("INITIAL_FORMS", 0)]}
    chinese = {"accept-language": "zh-hans"}
    answer = administrator.post(add, typed | inline, headers=chinese)
    assert answer.status_code == 302, text_of(answer)
    assert last_entry().changes["region"] == [None, "Europe"]
    administrator.post(reverse("admin:customers_region_change", args=[region.pk]), {
        "code": "eu", "name": "Europe", "name_zh": "欧洲", "time_zone": "Europe/Berlin", "why": "Asked for",
    }, headers=chinese)  # fmt: skip
    assert last_entry().subject == "Europe"
    shown = text_of(administrator.get(reverse("admin:audit_entry_changelist"), headers=chinese))
    assert "欧洲" in shown and "Europe " not in shown.replace("Europe/Berlin", "")
