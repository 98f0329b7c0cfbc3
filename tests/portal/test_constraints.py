"""The database keeps the promises: each constraint refuses what its name forbids."""

from uuid import uuid4

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import IntegrityError, models, transaction

from incidents.models import IncidentTemplate, OutageClient, OutageFunction, Review
from maintenance.models import AnnouncementRequest, MaintenanceNotice, WindowClient, WindowFunction, WindowRegion
from sla_portal.agreements.models import (
    AgreementVersion,
    Answer,
    Charge,
    Clause,
    ClauseComment,
    FurtherNotice,
    MailedPdf,
    Payment,
    PublishedChanges,
    RegisterEntry,
    Reinstatement,
    Reviewer,
    Suspension,
    Withdrawal,
)
from sla_portal.audit.models import Chain, Checkpoint, Document, Seal
from sla_portal.availability.models import (
    ClosingRequest,
    CustomerMonth,
    Evidence,
    Exclusion,
    MonthClosing,
    RegionMonth,
)
from sla_portal.customers.models import AccountSession, Client, Contact, CoreFunction, SignInCode
from sla_portal.notices.models import (
    Attachment,
    Bounce,
    Brake,
    Delivery,
    DeliveryCustomer,
    Notice,
    PageCopy,
    UnmatchedReport,
    Wording,
)
from sla_portal.operator.models import Identity, Logo, Opening, Rehearsal
from tests.support import claims_breaks
from tests.support.builders import (
    a_contract,
    a_customer,
    a_region,
    a_version,
    a_window,
    an_incident,
    an_outage,
    at,
    numbers,
    on,
)
from tests.support.operators import GMBH
from tests.support.unguarded import unguarded

pytestmark = pytest.mark.django_db


def judged(**values):
    given = {
        "month": on("2026-09-01"), "agreement_version": AgreementVersion.objects.get(version="1.0"), "service_days": 30,
        "total_minutes": 43200, "unavailable_minutes": 0, "excluded_minutes": 0, "unavailable_all": 0,
        "unavailable_function": 0, "unavailable_any": 0, "reading": "all", "met": True, "reading_sensitive": False,
        "provisional": False, "judged_at": at("2026-10-01 00:00"),
    }  # fmt: skip
    return {**given, **values}


def customer_month(**values):
    return CustomerMonth.objects.create(**{"customer": a_customer(a_region()), **judged(**values)})


def region_month(**values):
    return RegionMonth.objects.create(region=a_region(), digest="0", **judged(**values))


def exclusion(**values):
    return Exclusion.objects.create(**{"incident": an_incident(), "clause": "4.10", "reason": "Because", **values})


def contract(**values):
    return a_contract(a_customer(a_region()), "2026-01-01", "2026-12-31", **values)


def charge(of=None, **values):
    given = {"from_month": on("2026-03-01"), "monthly_charge": 59, "recorded_at": at("2026-02-01 08:00")}
    return Charge.objects.create(contract=of or contract(), **{**given, **values})


def window(**values):
    return a_window("2026-09-06 18:00", "2026-09-06 19:00", **values)


def notice(of=None, **values):
    return MaintenanceNotice.objects.create(window=of or window(), **{"sent_at": at("2026-09-01 08:00"), **values})


def request(of=None, **values):
    given = {"starts_at": at("2026-09-06 18:00"), "ends_at": at("2026-09-08 18:00"), "why": "Two days of copying",
             "requested_at": at("2026-09-01 08:00"), **values}  # fmt: skip
    return AnnouncementRequest.objects.create(window=of or window(), **given)


def sign_in_code(**values):
    given = {"asked_at": at("2026-09-01 08:00"), "expires_at": at("2026-09-01 08:15"), **values}
    return SignInCode.objects.create(key_hash="0", email="ops@example.com", **given)


def logo(**values):
    given = {"sha256": "0", "media_type": "image/png", "width": 1, "height": 1, "content": b"", **values}
    return Logo.objects.create(**given)


def identity(**values):
    return Identity.objects.create(**{**GMBH, "valid_from": at("2026-09-01 08:00"), "saved_by_name": "Ada", **values})


def confirmed_by_who_requested_it():
    somebody = User.objects.create_user("somebody")
    request(
        requested_by=somebody,
        decided_by=somebody,
        status="confirmed",
        decided_at=at("2026-09-01 09:00"),
        sent=notice(),
    )


def twice(make, *arguments, **values):
    make(*arguments, **values)
    make(*arguments, **values)


def told(**values):
    return Notice.objects.create(
        **{"number": f"N-2026-{next(numbers)}", "kind": "announcement", "given_at": at("2026-09-01 08:00"), **values}
    )


def delivery(**values):
    given = {"email": "Ops@example.com", "language": "en", "next_attempt_at": at("2026-09-01 08:00"), **values}
    return Delivery.objects.create(**{"notice": given.pop("notice", None) or told(), **given})


def its_own_installer():
    customer = a_customer(a_region())
    customer.installer = customer
    customer.save()


def merged_into_itself():
    incident = an_incident(voided_at=at("2026-09-10 02:00"))
    incident.merged_into = incident
    incident.save()


def decided_by_the_proposer():
    somebody = User.objects.create_user("somebody")
    exclusion(proposed_by=somebody, decided_by=somebody)


def a_draft(**values):
    return AgreementVersion.objects.create(version="2.0", **values)


def published_by_who_asked_for_it():
    somebody = User.objects.create_user("somebody")
    a_version("2.0", "2026-01-01", submitted_by=somebody, published_by=somebody)


def answer(**values):
    given = {"kind": "objection", "received_at": at("2026-09-01 08:00"), "registered_at": at("2026-09-01 08:00"),
             "via": "staff", "by_name": "Li Wei", **values}  # fmt: skip
    version = given.pop("version", None) or a_version("2.0", "2026-10-01")
    customer = given.pop("customer", None) or a_customer(a_region())
    return Answer.objects.create(version=version, customer=customer, **given)


def withdrawal(**values):
    given = {"reason": "A slip", "reason_zh": "笔误", "requested_at": at("2026-09-01 08:00"), **values}
    version = given.pop("version", None) or a_version("2.0", "2026-10-01")
    return Withdrawal.objects.create(version=version, **given)


def reinstatement(**values):
    given = {"outcome": "reinstated", "consent_by": "Li Wei", "consent": "By telephone", **values}
    return Reinstatement.objects.create(decided_at=at("2026-09-02 08:00"), **given)


def entry(**values):
    given = {"clause": "1.4", "question": "?", "answer": "!", "why": "So", "written_at": at("2026-09-01 08:00")}
    return RegisterEntry.objects.create(**{**given, **values})


def approved_by_the_writer():
    somebody = User.objects.create_user("somebody")
    entry(written_by=somebody, approved_by=somebody, approved_by_name="somebody", approved_at=at("2026-09-01 09:00"))


def closing(**values):
    given = {"month": on("2026-09-01"), "closed_at": at("2026-10-10 01:00"), "closed_by_name": "legal", **values}
    return MonthClosing.objects.create(**given)


def closing_request(**values):
    given = {
        "month": on("2026-09-01"), "digest": "0" * 64, "requested_at": at("2026-10-10 01:00"),
        "requested_by_name": "legal", **values,
    }  # fmt: skip
    return ClosingRequest.objects.create(**given)


def decided_by_the_requester():
    somebody = User.objects.create_user("somebody")
    decided = {"decided_at": at("2026-10-10 02:00"), "decided_by": somebody}
    closing_request(requested_by=somebody, status="confirmed", **decided)


def closed_by_the_requester():
    somebody = User.objects.create_user("somebody")
    closing(requested_by=somebody, requested_by_name="somebody", closed_by=somebody, one_person=False)


def checkpoint(**values):
    given = {"number": next(numbers), "made_at": at("2026-09-01 08:00"), "occasion": "daily", "about": "2026-09-01"}
    return Checkpoint.objects.create(**{**given, "entries": 1, "entry": 1, "hash": "0" * 64, **values})


def document(**values):
    given = {
        "kind": "report", "about": "eu 2026-09", "number": "SLA-2026-09-eu", "issued_at": at("2026-10-10 01:00"),
        "sha256": "0" * 64, "check_code": f"{next(numbers):019}", **values,
    }  # fmt: skip
    return Document.objects.create(**given)


def seal(**values):
    return Seal.objects.create(document=document(), next_attempt_at=at("2026-10-10 01:00"), **values)


def rehearsal(**values):
    with unguarded():
        Opening.objects.all().delete()
    return Rehearsal.objects.create(begun_at=at("2026-05-01 00:00"), begun_by_name="ann", **values)


BREAKS = claims_breaks.BREAKS | {
    "a_rehearsal_is_ended_by_someone_after_it_began": lambda: rehearsal(ended_at=at("2026-06-01 00:00")),
    "one_rehearsal_runs_at_a_time": lambda: twice(rehearsal),
    "a_document_has_each_revision_once": lambda: twice(document),
    "a_document_is_of_a_known_kind": lambda: document(kind="poem"),
    "a_seal_is_whole_or_none": lambda: seal(sealed_at=at("2026-10-10 01:00"), level="B-B"),
    "a_seal_is_leased_until_a_time": lambda: seal(lease=uuid4()),
    "a_level_above_b_b_has_a_time_stamp": lambda: seal(timestamped_at=at("2026-10-10 01:00")),
    "the_audit_log_has_one_head": lambda: Chain.objects.create(pk=2, last_hash="0" * 64),
    "a_checkpoint_is_made_once_for_an_occasion": lambda: twice(checkpoint),
    "a_checkpoint_has_a_known_occasion": lambda: checkpoint(occasion="whim"),
    "a_checkpoint_covers_entries": lambda: checkpoint(entries=2),
    "a_customer_has_an_address_once": lambda: [
        Contact.objects.create(customer=customer, email=email)
        for customer in [a_customer(a_region())]
        for email in ("Ops@example.com", "ops@example.com")
    ],
    "a_sign_in_code_expires_after_it_is_asked_for": lambda: sign_in_code(expires_at=at("2026-09-01 08:00")),
    "a_sign_in_code_is_used_while_it_is_valid": lambda: sign_in_code(used_at=at("2026-09-01 08:01")),
    "a_session_ends_after_it_starts": lambda: AccountSession.objects.create(
        token_hash="0",
        contact=a_customer(a_region()).contacts.create(email="ops@example.com"),
        email="ops@example.com",
        started_at=at("2026-09-01 08:00"),
        expires_at=at("2026-09-01 08:00"),
    ),
    "a_portal_is_opened_once": lambda: Opening.objects.create(pk=2),
    "who_opened_a_portal_did_so_at_a_time": lambda: Opening.objects.bulk_create(
        [Opening(pk=1, opened_by=User.objects.create_user("ann"))],
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["opened_by"],
    ),
    "a_customer_is_not_its_own_installer": its_own_installer,
    "one_version_takes_effect_on_a_day": lambda: [a_version(name, "2026-01-01") for name in ("2.0", "2.1")],
    "a_target_is_a_percentage": lambda: a_version("2.0", "2026-01-01", availability_target="100.1"),
    "a_reading_is_one_of_three": lambda: a_version("2.0", "2026-01-01", unavailability_reading="most"),
    "a_measurement_period_is_month_or_contract_period": lambda: a_version(
        "2.0", "2026-01-01", measurement_period="week"
    ),
    "a_version_is_submitted_and_published_with_its_day": lambda: a_draft(submitted_at=at("2026-09-01 08:00")),
    "a_version_is_published_by_another_person": published_by_who_asked_for_it,
    "an_announced_version_was_submitted_and_is_hashed": lambda: a_version("2.0", "2026-01-01", notice=told()),
    "a_withdrawal_has_a_reason_and_is_told": lambda: a_version(
        "2.0", "2026-01-01", withdrawn_at=at("2025-12-20 08:00"), withdrawal_reason="A slip"
    ),
    "a_comment_is_resolved_by_somebody": lambda: ClauseComment.objects.create(
        version=a_version("2.0", "2026-01-01"),
        text="Why?",
        written_by=User.objects.create_user("somebody"),
        written_at=at("2025-12-01 08:00"),
        resolved_at=at("2025-12-01 08:00"),
    ),
    "a_place_in_a_review_has_one_reviewer": lambda: [
        Reviewer.objects.create(version=version, place=1, user=User.objects.create_user(name))
        for version in [a_version("2.0", "2026-01-01")]
        for name in ("ann", "bob")
    ],
    "a_person_reviews_a_draft_once": lambda: [
        Reviewer.objects.create(version=version, place=place, user=user)
        for version, user in [(a_version("2.0", "2026-01-01"), User.objects.create_user("somebody"))]
        for place in (1, 2)
    ],
    "an_approval_says_of_which_text": lambda: Reviewer.objects.create(
        version=a_version("2.0", "2026-01-01"),
        place=1,
        user=User.objects.create_user("somebody"),
        approved_at=at("2025-12-01 08:00"),
    ),
    "a_pdf_for_the_mail_is_made_once_in_a_language": lambda: twice(
        MailedPdf.objects.create,
        version=a_version("2.0", "2026-01-01"),
        kind="text",
        language="en",
        of_sha256="0",
        content=b"%PDF",
        made_at=at("2025-12-01 08:00"),
    ),
    "the_changes_of_a_version_are_frozen_once_in_a_language": lambda: twice(
        PublishedChanges.objects.create,
        version=(version := a_version("2.0", "2026-01-01")),
        before=version,
        language="en",
        content={},
        frozen_at=at("2026-09-01 08:00"),
    ),
    "a_reminder_is_given_once": lambda: [
        FurtherNotice.objects.create(version=version, days_before=7, notice=told())
        for version in [a_version("2.0", "2026-01-01")] * 2
    ],
    "a_contract_is_told_of_a_version_once": lambda: [
        FurtherNotice.objects.create(version=version, contract=signed, notice=told())
        for version, signed in [(a_version("2.0", "2026-01-01"), contract())] * 2
    ],
    "a_reminder_is_not_told_at_signing": lambda: FurtherNotice.objects.create(
        version=a_version("2.0", "2026-01-01"), days_before=7, contract=contract(), notice=told()
    ),
    "a_customer_gives_an_answer_once": lambda: twice(
        answer, version=a_version("2.0", "2026-10-01"), customer=a_customer(a_region())
    ),
    "an_answer_accepts_objects_or_terminates": lambda: answer(kind="applause"),
    "a_person_accepts_a_version_once": lambda: [
        answer(kind="acceptance", email=email, version=version, customer=customer)
        for version, customer in [(a_version("2.0", "2026-10-01"), a_customer(a_region()))]
        for email in ("li@example.com", "wang@example.com", "LI@example.com")
    ],
    "only_an_objection_is_replied_to_in_words": lambda: answer(replied_at=at("2026-09-02 08:00")),
    "a_version_has_one_withdrawal_that_stands": lambda: twice(withdrawal, version=a_version("2.0", "2026-10-01")),
    "a_withdrawal_has_a_known_status": lambda: withdrawal(status="maybe", decided_at=at("2026-09-02 08:00")),
    "a_withdrawal_is_worded_in_every_language": lambda: withdrawal(reason_zh=""),
    "a_withdrawal_is_pending_or_decided": lambda: withdrawal(decided_at=at("2026-09-02 08:00")),
    "a_withdrawal_is_sent_back_with_a_reason": lambda: withdrawal(status="returned", decided_at=at("2026-09-02 08:00")),
    "a_withdrawal_is_decided_by_another_person": lambda: withdrawal(
        status="confirmed",
        decided_at=at("2026-09-02 08:00"),
        decided_by=(ann := User.objects.create_user("ann")),
        requested_by=ann,
    ),
    "an_ended_contract_is_decided_on_once": lambda: twice(reinstatement, answer=answer(), contract=contract()),
    "a_contract_is_reinstated_with_consent_or_left_with_a_reason": lambda: reinstatement(
        answer=answer(), contract=contract(), consent=""
    ),
    "an_answer_by_link_names_the_mail": lambda: answer(via="link"),
    "a_termination_has_a_last_service_day": lambda: answer(kind="termination"),
    "an_entry_is_a_misprint_or_a_reading": lambda: entry(matter="opinion"),
    "an_approved_entry_says_by_whom": lambda: entry(approved_at=at("2026-09-01 08:00")),
    "an_entry_is_approved_by_another_person": approved_by_the_writer,
    "a_clause_number_stands_once_in_a_version": lambda: Clause.objects.create(
        agreement_version=AgreementVersion.objects.get(), number="1.1"
    ),
    "a_contract_does_not_end_before_it_starts": lambda: a_contract(a_customer(a_region()), "2026-02-01", "2026-01-31"),
    "an_extended_contract_ends_later_than_agreed": lambda: contract(extended_minutes=10, extended_to=on("2026-12-31")),
    "a_contract_is_terminated_within_its_days": lambda: contract(terminated_on=on("2027-01-01")),
    "a_monthly_charge_is_not_negative": lambda: contract(monthly_charge=-1),
    "a_currency_is_three_capitals": lambda: contract(currency="eur"),
    "a_charge_has_each_revision_once": lambda: twice(charge, contract()),
    "a_charge_is_not_negative": lambda: charge(monthly_charge=-1),
    "a_corrected_charge_states_its_reason": lambda: charge(revision=2),
    "a_suspension_does_not_end_before_it_starts": lambda: Suspension.objects.create(
        contract=contract(), starts_on=on("2026-03-02"), ends_on=on("2026-03-01")
    ),
    "a_suspension_starts_once_on_a_day": lambda: twice(
        Suspension.objects.create, contract=contract(), starts_on=on("2026-03-01"), ends_on=on("2026-03-02")
    ),
    "a_payment_stands_once_on_a_contract": lambda: twice(
        Payment.objects.create, contract=contract(), reference="P-1", paid_on=on("2026-03-01"), amount=49
    ),
    "an_incident_was_noticed_in_a_known_way": lambda: an_incident(source="a dream"),
    "an_incident_has_a_known_severity": lambda: an_incident(severity="grave", severity_reason="So"),
    "a_severity_that_a_person_set_has_a_reason": lambda: an_incident(severity="minor"),
    "the_ticket_has_a_web_address": lambda: an_incident(ticket_url="javascript:alert(1)"),
    "the_chat_has_a_web_address": lambda: an_incident(chat_url="ftp://example.com"),
    "a_template_has_a_known_detection_source": lambda: IncidentTemplate.objects.create(title="T", source="a dream"),
    "a_template_has_a_known_severity": lambda: IncidentTemplate.objects.create(title="T", severity="grave"),
    "a_review_names_the_cause": lambda: Review.objects.create(
        incident=an_incident(), cause="", written_at=at("2026-09-10 02:00")
    ),
    "a_review_is_published_after_it_is_written": lambda: Review.objects.create(
        incident=an_incident(), cause="C", written_at=at("2026-09-10 02:00"), published_at=at("2026-09-10 01:59")
    ),
    "an_incident_is_detected_before_it_is_acknowledged": lambda: an_incident(
        detected_at=at("2026-09-10 01:00"), acknowledged_at=at("2026-09-10 00:59:59")
    ),
    "an_incident_is_detected_before_it_is_resolved": lambda: an_incident(
        detected_at=at("2026-09-10 01:00"), resolved_at=at("2026-09-10 00:59:59")
    ),
    "an_incident_is_acknowledged_before_it_is_resolved": lambda: an_incident(
        acknowledged_at=at("2026-09-10 01:10"), resolved_at=at("2026-09-10 01:09:59")
    ),
    "a_merged_incident_counts_for_nothing": lambda: an_incident(merged_into=an_incident()),
    "an_incident_is_merged_into_another": merged_into_itself,
    "an_outage_ends_after_it_starts": lambda: an_outage(a_region(), "2026-09-10 01:00", "2026-09-10 01:00"),
    "an_outage_names_a_function_once": lambda: twice(
        OutageFunction.objects.create,
        outage=an_outage(a_region(), "2026-09-10 01:00", None),
        function=CoreFunction.objects.first(),
    ),
    "an_outage_names_a_client_once": lambda: twice(
        OutageClient.objects.create,
        outage=an_outage(a_region(), "2026-09-10 01:00", None),
        client=Client.objects.first(),
    ),
    "a_window_ends_after_it_starts": lambda: a_window("2026-09-06 18:00", "2026-09-06 18:00"),
    "work_is_finished_after_it_started": lambda: window(
        started_at=at("2026-09-06 18:00"), completed_at=at("2026-09-06 17:59")
    ),
    "work_that_took_place_is_not_marked_as_not_carried_out": lambda: window(
        started_at=at("2026-09-06 18:00"), not_carried_out_at=at("2026-09-06 20:00")
    ),
    "a_discarded_window_was_a_draft": lambda: window(
        discarded_at=at("2026-09-01 08:00"), cancelled_at=at("2026-09-02 08:00")
    ),
    "a_window_has_one_pending_request": lambda: twice(request, window()),
    "a_requested_announcement_has_a_known_status": lambda: request(status="perhaps", decided_at=at("2026-09-01 09:00")),
    "a_requested_window_ends_after_it_starts": lambda: request(ends_at=at("2026-09-06 18:00")),
    "a_request_says_why_more_than_24_hours": lambda: request(why=""),
    "a_confirmed_request_and_no_other_sends_its_notice": lambda: request(
        status="confirmed", decided_at=at("2026-09-01 09:00")
    ),
    "a_long_window_is_confirmed_by_another_person": confirmed_by_who_requested_it,
    "a_window_is_of_a_known_kind": lambda: window(kind="party"),
    "a_region_is_not_discontinued_before_its_first_service_day": lambda: a_region(
        first_service_day=on("2026-09-02"), last_service_day=on("2026-09-01")
    ),
    "a_window_names_a_region_once": lambda: twice(WindowRegion.objects.create, window=window(), region=a_region()),
    "a_window_names_a_function_once": lambda: twice(
        WindowFunction.objects.create, window=window(), function=CoreFunction.objects.first()
    ),
    "a_window_names_a_client_once": lambda: twice(
        WindowClient.objects.create, window=window(), client=Client.objects.first()
    ),
    "a_window_has_one_notice_at_an_instant": lambda: twice(notice, window()),
    "a_notice_announces_a_window_or_a_cancellation": lambda: notice(starts_at=at("2026-09-06 18:00")),
    "an_exclusion_is_of_an_incident_or_of_a_customers_own_making": lambda: exclusion(
        customer=a_customer(a_region()), clause="4.5", starts_at=at("2026-09-01 00:00"), ends_at=at("2026-09-02 00:00")
    ),
    "an_exclusion_names_a_clause_of_section_4": lambda: exclusion(clause="4.12"),
    "an_exclusion_ends_after_it_starts": lambda: exclusion(
        starts_at=at("2026-09-10 02:00"), ends_at=at("2026-09-10 01:00")
    ),
    "clause_4_1_and_no_other_names_a_maintenance_window": lambda: exclusion(clause="4.1"),
    "clause_4_11_names_the_third_party": lambda: exclusion(clause="4.11"),
    "an_exclusion_has_a_known_status": lambda: exclusion(status="perhaps"),
    "an_exclusion_is_decided_by_another_person": decided_by_the_proposer,
    "a_file_proves_an_exclusion_once": lambda: twice(
        Evidence.objects.create,
        exclusion=exclusion(),
        name="mail.eml",
        size=1,
        sha256="0",
        added_at=at("2026-09-10 01:00"),
    ),
    "a_notice_is_of_a_known_kind": lambda: told(kind="rumour"),
    "a_notice_is_worded_once_in_a_language": lambda: twice(
        Wording.objects.create, notice=told(), language="en", subject="S", text="T", html="T"
    ),
    "a_page_of_a_notice_is_kept_once": lambda: twice(
        PageCopy.objects.create,
        notice=told(),
        url="https://sla.example/notices/1/",
        body=b"",
        fetched_at=at("2026-09-01 08:00"),
    ),
    "a_notice_has_an_attachment_of_a_name_once": lambda: twice(
        Attachment.objects.create, notice=told(), name="window.ics", content_type="text/calendar", content=b""
    ),
    "an_address_is_told_once": lambda: [
        delivery(notice=notice, email=email) for notice in [told()] for email in ("Ops@example.com", "ops@example.com")
    ],
    "a_delivery_is_for_a_customer_once": lambda: twice(
        DeliveryCustomer.objects.create, delivery=delivery(), customer=a_customer(a_region()), named="Hafen"
    ),
    "a_delivery_is_in_a_known_status": lambda: delivery(status="lost"),
    "what_is_sent_has_a_time": lambda: delivery(status="sent"),
    "what_is_being_sent_is_in_somebodys_hand": lambda: delivery(status="sending"),
    "a_corrected_address_has_its_replacement": lambda: delivery(status="corrected"),
    "a_letter_has_a_date_and_a_reference": lambda: delivery(status="letter", letter_on=on("2026-09-02")),
    "a_report_is_applied_once": lambda: twice(
        Bounce.objects.create, delivery=delivery(), key="0", noted_at=at("2026-09-01 09:00"), permanent=True
    ),
    "a_report_is_looked_at_after_it_came": lambda: UnmatchedReport.objects.create(
        key="0", noted_at=at("2026-09-01 09:00"), looked_at=at("2026-09-01 08:00"), content=b""
    ),
    "a_notice_has_one_brake": lambda: twice(Brake.objects.create, free_at=at("2026-09-01 08:00")),
    "a_limit_lets_something_through": lambda: Brake.objects.create(free_at=at("2026-09-01 08:00"), per_minute=0),
    "a_pause_has_its_person_and_reason": lambda: Brake.objects.create(
        notice=told(), free_at=at("2026-09-01 08:00"), paused_at=at("2026-09-01 08:00"), paused_by="Ada"
    ),
    "a_month_has_each_revision_once": lambda: twice(
        MonthClosing.objects.create, month=on("2026-09-01"), closed_at=at("2026-10-10 01:00"), closed_by_name="legal"
    ),
    "a_correction_states_its_reason": lambda: MonthClosing.objects.create(
        month=on("2026-09-01"), revision=2, closed_at=at("2026-10-10 01:00"), closed_by_name="legal"
    ),
    "a_month_is_closed_by_two_persons_or_says_that_it_was_one": lambda: closing(one_person=False),
    "a_month_is_closed_by_another_person": closed_by_the_requester,
    "a_month_has_one_pending_closing_request": lambda: twice(closing_request),
    "a_closing_request_has_a_known_status": lambda: closing_request(status="lost", decided_at=at("2026-10-10 02:00")),
    "a_closing_request_is_pending_or_decided": lambda: closing_request(status="withdrawn"),
    "a_closing_request_is_sent_back_with_a_reason": lambda: closing_request(
        status="returned", decided_at=at("2026-10-10 02:00")
    ),
    "a_closing_request_is_decided_by_another_person": decided_by_the_requester,
    "a_requested_correction_states_its_reason": lambda: closing_request(revision=2),
    "regionmonth_has_1440_minutes_for_each_service_day": lambda: region_month(total_minutes=43199),
    "regionmonth_in_service_is_met_or_missed": lambda: region_month(met=None),
    "a_region_is_judged_once_a_month": lambda: twice(region_month),
    "customermonth_has_1440_minutes_for_each_service_day": lambda: customer_month(total_minutes=43199),
    "customermonth_in_service_is_met_or_missed": lambda: customer_month(met=None),
    "a_customer_is_judged_once_a_month": lambda: twice(customer_month, customer=a_customer(a_region())),
    "a_logo_is_png_or_jpeg": lambda: logo(media_type="image/svg+xml"),
    "a_logo_has_a_size": lambda: logo(width=0),
    "an_operator_has_a_name": lambda: identity(name=""),
    "an_accent_has_a_light_and_a_dark_colour": lambda: identity(accent_light="#12405c"),
    "an_operator_s_links_are_https": lambda: identity(privacy_url="http://example.com/"),
    "an_operator_s_languages_are_known": lambda: identity(customer_language="de"),
    "an_operator_offers_at_least_one_language": lambda: identity(languages=""),
    "an_operator_s_own_languages_are_offered": lambda: identity(languages="zh-hans"),
}
OURS = {
    "audit", "customers", "operator", "notices", "agreements", "incidents", "maintenance", "availability", "claims",
}  # fmt: skip


@pytest.mark.parametrize("name", BREAKS)
def test_the_database_refuses(name):
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        BREAKS[name]()
    said = str(refused.value) + str(getattr(refused.value.__cause__, "diag", ""))
    columns = next(
        (constraint.fields for constraint in constraints() if constraint.name == name and fields(constraint)), ()
    )
    assert name in said or all(column in said for column in columns), said


VOIDED = {"voided_at": at("2026-09-10 02:00")}


def a_target_voided_later():
    target = an_incident()
    an_incident(merged_into=target, **VOIDED)
    target.voided_at = VOIDED["voided_at"]
    target.save()


def merged_into_a_merged_one():
    an_incident(merged_into=an_incident(merged_into=an_incident(), **VOIDED), **VOIDED)


def moved_to_a_voided_one():
    incident = an_incident(merged_into=an_incident(), **VOIDED)
    incident.merged_into = an_incident(**VOIDED)
    incident.save()


@pytest.mark.parametrize("break_it", [a_target_voided_later, merged_into_a_merged_one, moved_to_a_voided_one])
def test_no_incident_is_merged_into_one_that_counts_for_nothing(break_it):
    with pytest.raises(IntegrityError, match="a_merged_incident_leads_to_one_that_counts"), transaction.atomic():
        break_it()


def constraints() -> list[models.BaseConstraint]:
    return [
        constraint
        for label in OURS
        for model in apps.get_app_config(label).get_models()
        for constraint in model._meta.constraints
    ]


def fields(constraint: models.BaseConstraint) -> tuple[str, ...]:
    return tuple(getattr(constraint, "fields", ()))


def test_every_constraint_has_been_tried():
    assert {constraint.name for constraint in constraints()} == set(BREAKS)


def test_the_database_refuses_a_notice_of_more_than_24_hours_that_nobody_requested():
    """A trigger, because notices of an earlier build and of history files stay as they are."""
    found = window()
    day = {"starts_at": at("2026-09-06 18:00"), "ends_at": at("2026-09-07 18:00")}
    longer = day | {"ends_at": at("2026-09-07 18:00:01")}
    notice(found, **longer)
    notice(found, **day, sent_at=at("2026-09-02 08:00"), notice=told())
    with pytest.raises(IntegrityError, match="a_notice_of_more_than_24_hours_was_requested"), transaction.atomic():
        notice(found, **longer, sent_at=at("2026-09-03 08:00"), notice=told())
    request(found, **longer)
    notice(found, **longer, sent_at=at("2026-09-04 08:00"), notice=told())
