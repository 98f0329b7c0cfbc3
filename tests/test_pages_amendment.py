"""An amendment through the pages: draft, change, ask, publish by a second person, progress, withdraw."""

import pytest
import time_machine
from django.urls import reverse

from sla_portal.agreements.models import CLAUSE_FIELDS, TERM_FIELDS, AgreementVersion
from sla_portal.notices.models import Delivery, Notice

from .builders import a_contract, a_customer, a_region, at
from .desk import a_member, signed_in, text_of

pytestmark = pytest.mark.django_db

NOW = at("2026-06-01 04:00")
LIST = "/admin/agreements/amendments/"


@pytest.fixture(autouse=True)
def the_present():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def lea():
    return signed_in(a_member("Legal", "lea"))


@pytest.fixture
def luo():
    return signed_in(a_member("Legal", "luo"))


def page_of(version: AgreementVersion, door: str = "amendment") -> str:
    return reverse(f"admin:{door}", args=[version.pk])


def started(client, name: str = "1.1") -> AgreementVersion:
    response = client.post(LIST + "start/", {"version": name})
    assert response.status_code == 302, text_of(response)
    return AgreementVersion.objects.get(version=name)


def as_shown(client, version: AgreementVersion) -> dict[str, str]:
    """What the draft's page would send if nothing were touched."""
    context = client.get(page_of(version)).context
    terms, formset = context["terms"], context["formset"]
    told = {
        name: str(terms[name].value())
        for name in (*TERM_FIELDS, "summary_of_changes", "summary_of_changes_zh", "seen_at")
    }
    told |= {f"clauses-{name}": str(formset.management_form[name].value()) for name in ("TOTAL_FORMS", "INITIAL_FORMS")}
    for form in formset.forms:
        told |= {form.add_prefix(name): str(form[name].value() or "") for name in CLAUSE_FIELDS}
    return told


def place_of(told: dict[str, str], number: str) -> str:
    return next(
        name.removesuffix("-number") for name, value in told.items() if name.endswith("-number") and value == number
    )


def changed(client, version: AgreementVersion, **values: str):
    return client.post(page_of(version), as_shown(client, version) | {"do": "save"} | values)


SUMMARIES = {"summary_of_changes": "A minute counts sooner.", "summary_of_changes_zh": "分钟更早计入。"}


def test_the_whole_way_of_an_amendment_by_two_people(lea, luo):
    who = a_customer(a_region())
    who.contacts.create(email="ops@example.com")
    a_contract(who, "2026-01-01", "2026-12-31")
    draft = started(lea)
    assert changed(lea, draft, unavailability_reading="function", **SUMMARIES).status_code == 302
    shown = text_of(lea.get(page_of(draft)))
    assert "1 term differs" not in shown
    assert "0 clauses and 1 term differ from version 1.0." in shown
    assert "A minute now counts while a single function, such as door opening, is down on every client." in shown

    asked = text_of(lea.get(page_of(draft, "ask_for_publication")))
    assert "The earliest possible day is 2026-07-02." in asked
    assert "the 30 full days of notice (5.2) run from 2026-06-02 to 2026-07-01" in asked
    assert "1 contact of 1 customer is told by mail" in asked
    assert "A minute counts sooner." in asked
    assert "分钟更早计入。" in asked
    assert lea.post(page_of(draft, "ask_for_publication"), {"effective_on": "2026-07-02"}).status_code == 302
    assert "You asked for this publication. Another person checks it" in text_of(lea.get(page_of(draft)))

    decision = luo.get(page_of(draft))
    assert "Publish version 1.1: tell everyone" in text_of(decision)
    key = {"key": decision.context["publish"]["key"].value()}
    for _twice in range(2):
        published = luo.post(page_of(draft, "publish_amendment"), key, follow=True)
    shown = text_of(published)
    assert "Takes effect on 2026-07-02, in 31 days." in shown
    assert "0 of 1 mail sent" in shown
    draft.refresh_from_db()
    assert draft.sha256 in shown
    assert Notice.objects.count() == Delivery.objects.count() == 1

    key = {"key": published.context["withdraw"]["key"].value()}
    refused = luo.post(page_of(draft, "withdraw_amendment"), key | {"reason": " "})
    assert refused.status_code == 422
    assert "1 contact who was told of it" in text_of(refused)
    withdrawn = luo.post(page_of(draft, "withdraw_amendment"), key | {"reason": "It says the wrong thing"}, follow=True)
    withdrawn = text_of(withdrawn)
    assert "It was to take effect on 2026-07-02, and never does." in withdrawn
    assert Notice.objects.count() == 2
