"""Issue notices."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, models, transaction
from django.db.models import Case, Exists, F, Min, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Lower
from django.utils import translation
from django.utils.html import format_html
from django.utils.translation import gettext as _

from sla_portal.audit.actors import Actor
from sla_portal.audit.documents import register
from sla_portal.audit.models import Kind as DocumentKind
from sla_portal.audit.operations import lock_chain, record, require
from sla_portal.customers.models import Contact, Customer, Right
from sla_portal.customers.queries import has_right
from sla_portal.kernel.errors import Refused
from sla_portal.operator.queries import identities, operator_of_settings, present_mark, rehearsal_number
from sla_portal.operator.rules import Mark, Operator
from sla_portal.operator.words import mark_name, mark_sentence, marked

from ..mail.message import MailMessage
from ..models import Attachment, Delivery, Notice, Status, Wording
from ..rules import urgency
from ..wording import File, Words


@dataclass(frozen=True)
class Address:
    """Where a notice goes that is for no customer."""

    email: str
    name: str = ""
    language: str = settings.LANGUAGE_CODE


class NotWorded(Refused):
    """A notice needs a wording in every language of the portal."""


def give_notice(
    *,
    actor: Actor,
    kind: str,
    about: str,
    wordings: Sequence[Words],
    public: bool,
    now: datetime,
    audience: QuerySet[Contact] | None = None,
    customers: QuerySet[Customer] | None = None,
    right: Right | None = None,
    attachments: Sequence[File] = (),
    notified_before: QuerySet[Delivery] | None = None,
    addresses: Sequence[Address] = (),
) -> Notice:
    """Freeze a notice and queue a delivery for each address of `audience`, once per address (5.2).

    With `customers` it goes to the contacts of these customers, their own and those of their installers: those of
    `audience`, or all, and only those that have the `right` for the customer. An installer with several of the sites gets
    one e-mail with their list or, if it chose so, one for each. Without either it is on the website only. The addresses of
    `notified_before`, deliveries of earlier notices, are notified too, even if their contact was deleted; so are
    `addresses`, which are no contacts.
    Delivery starts after the commit: callers may speed it up by `tasks.deliver_soon()`; otherwise the schedule finds it
    within 30 seconds.
    """
    require(actor, "notices.give_notice")
    check_worded(wordings)
    with transaction.atomic():
        lock_chain()
        notice = Notice(
            number=_next_number(now),
            kind=kind,
            about=about,
            public=public,
            given_at=now,
            given_by=actor.name[:200],
            identity=identities().first(),
        )
        mark = present_mark()
        words = [Wording(language=w.language, **_worded(w, mark)) for w in wordings]
        files = [Attachment(name=f.name, content_type=f.content_type, content=f.content) for f in attachments]
        notice.sha256 = notice.digest_with(words, files)
        for wording in words:
            # What cannot be built as an e-mail fails now, not later in a worker.
            MailMessage(notice, wording, files)
        notice.save()
        for wording in words:
            wording.notice = notice
            wording.save()
        for file in files:
            file.notice = notice
            file.save()
        if customers is not None:
            queued = _queue_for(notice, customers, audience, right)
        else:
            queued = _queue(notice, audience) if audience is not None else 0
        if notified_before is not None:
            queued += _queue_again(notice, notified_before)
        queued += _queue_addresses(notice, addresses)
        record(
            actor=actor,
            action="gave",
            subject=notice,
            now=now,
            changes={
                "about": [None, about],
                "public": [None, public],
                "addresses": [None, queued],
                "sha256": [None, notice.sha256],
            },
        )
        if public:
            register(
                kind=DocumentKind.ANNOUNCEMENT,
                number=notice.number,
                sha256=hashlib.sha256(notice.published()).hexdigest(),
                issued_at=now,
                rehearsal=rehearsal_number(),
            )
    return notice


def _worded(words: Words, mark: Mark) -> dict[str, str]:
    """Return the columns of a wording; where nothing is real, its subject and first line say so."""
    if not mark:
        return {"subject": words.heading, "text": words.text, "html": words.fragment}
    with translation.override(words.language):
        sentence = mark_sentence(mark)
        return {
            "subject": marked(words.heading, mark)[: Wording._meta.get_field("subject").max_length],
            "text": f"{mark_name(mark)}: {sentence}\n\n{words.text}",
            "html": format_html("<p><strong>{}</strong> {}</p>\n", f"{mark_name(mark)}:", sentence) + words.fragment,
        }


def check_worded(wordings: Iterable[Words]) -> None:
    """Raise `NotWorded` unless every language of the portal has a subject and a text."""
    said = {words.language for words in wordings if words.heading and words.text.strip()}
    for language, name in settings.LANGUAGES:
        if language not in said:
            raise NotWorded(_("The %(language)s version is missing. Enter a subject and a text.") % {"language": name})


def _next_number(now: datetime) -> str:
    """Return the next number of the year; the lock on the audit log makes it unique."""
    prefix = f"N-{now:%Y}-"
    last = Notice.objects.filter(number__startswith=prefix).order_by("-id").values_list("number", flat=True).first()
    return f"{prefix}{int(last.removeprefix(prefix)) + 1 if last else 1:04}"


def _queue(notice: Notice, audience: QuerySet[Contact]) -> int:
    """Queue deliveries in one statement; if contacts share an address, the oldest contact is used."""
    chosen = Contact.objects.filter(pk__in=audience.order_by().values("pk"))
    first = chosen.annotate(address=Lower("email")).values("address").annotate(first=Min("pk")).values("first")
    return _insert(notice, Contact.objects.filter(pk__in=first), contact=F("pk"), language="customer__language")


def _queue_for(
    notice: Notice, customers: QuerySet[Customer], audience: QuerySet[Contact] | None, right: Right | None
) -> int:
    """Queue deliveries for `customers` in a fixed number of statements, and record whom each is for."""
    chosen = customers.order_by().values("pk")
    contacts = Contact.objects.order_by()
    if audience is not None:
        contacts = contacts.filter(pk__in=audience.order_by().values("pk"))
    # Where no contact of anyone is marked, all have the right, and nothing is asked of each.
    marked = right is not None and Contact.objects.filter(**{right: True}).exists()
    ours, of_site = (has_right(right, owner) if right and marked else Q() for owner in ("customer", "of_site"))
    own = contacts.filter(ours, customer__in=chosen)
    inherited = contacts.annotate(of_site=F("customer__sites")).filter(of_site, of_site__in=chosen)
    if not Customer.objects.filter(installer__isnull=False).exists() or not inherited.exists():
        queued = _queue(notice, own)
        if queued == own.count():
            # Each address is one customer's own: what is to be told to many is told at the speed of one statement.
            return queued
        _record_customers(notice, own.values_list(Lower("email"), "customer", Value(0)))
        return queued
    bundled = inherited.filter(customer__bundled=True)
    queued = _queue(notice, contacts.filter(Q(pk__in=own.values("pk")) | Q(pk__in=bundled.values("pk"))))
    # A site's own contact with the same address has its e-mail already.
    same = Contact.objects.filter(ours, customer=OuterRef("of_site")).annotate(address=Lower("email"))
    each = inherited.filter(~Exists(same.filter(address=Lower(OuterRef("email")))), customer__bundled=False)
    queued += _insert(notice, each, contact=F("pk"), language="customer__language", site=F("of_site"))
    _record_customers(
        notice,
        own.values_list(Lower("email"), "customer", Value(0)).union(
            bundled.values_list(Lower("email"), "of_site", Value(1)), all=True
        ),
    )
    return queued


def _record_customers(notice: Notice, told: QuerySet[Contact, Any]) -> None:
    """Record the customers of deliveries that are not for the customer of their contact alone.

    `told`: address, customer, and 1 if the customer inherits the address from its installer.
    """
    select, parameters = told.query.get_compiler(connection=connection).as_sql()
    with connection.cursor() as cursor:
        cursor.execute(f"{FOR_ITS_SITE} WHERE delivery.notice_id = %s", [notice.pk])
        cursor.execute(FOR_SEVERAL.format(told=select), [*parameters, notice.pk])


FOR_ITS_SITE = """
    INSERT INTO notices_deliverycustomer (delivery_id, customer_id, named)
    SELECT delivery.id, customer.id, customer.name || ' (' || customer.code || ')'
    FROM notices_delivery delivery JOIN customers_customer customer ON customer.id = delivery.site_id
"""
FOR_SEVERAL = """
    INSERT INTO notices_deliverycustomer (delivery_id, customer_id, named)
    WITH told (address, customer_id, inherited) AS ({told})
    SELECT delivery.id, customer.id, customer.name || ' (' || customer.code || ')'
    FROM told JOIN customers_customer customer ON customer.id = told.customer_id
      JOIN notices_delivery delivery
        ON delivery.notice_id = %s AND LOWER(delivery.email) = told.address AND delivery.site_id IS NULL
    WHERE told.address IN (
        SELECT address FROM told GROUP BY address HAVING COUNT(DISTINCT customer_id) > 1 OR MAX(inherited) = 1
    )
    GROUP BY delivery.id, customer.id, customer.name, customer.code
    ORDER BY delivery.id, customer.code
"""
AS_BEFORE = """
    INSERT INTO notices_deliverycustomer (delivery_id, customer_id, named)
    SELECT delivery.id, before.customer_id, MAX(before.named)
    FROM notices_delivery delivery JOIN notices_delivery earlier ON LOWER(earlier.email) = LOWER(delivery.email)
      JOIN notices_deliverycustomer before ON before.delivery_id = earlier.id
    WHERE delivery.notice_id = %s AND earlier.id IN ({earlier})
      AND NOT EXISTS (SELECT 1 FROM notices_deliverycustomer WHERE delivery_id = delivery.id)
    GROUP BY delivery.id, before.customer_id ORDER BY delivery.id, MAX(before.named)
"""


def _queue_again(notice: Notice, notified_before: QuerySet[Delivery]) -> int:
    """Queue deliveries to addresses of earlier deliveries that are not queued yet, for the customers that those were for."""
    there = Delivery.objects.filter(notice=notice).annotate(address=Lower("email")).values("address")
    chosen = Delivery.objects.filter(pk__in=notified_before.order_by().values("pk")).annotate(address=Lower("email"))
    first = chosen.exclude(address__in=there).values("address").annotate(first=Min("pk")).values("first")
    again = _insert(notice, Delivery.objects.filter(pk__in=first), contact=F("contact_id"), language="language")
    if again:
        earlier = notified_before.order_by().values("pk").query.get_compiler(connection=connection).as_sql()
        with connection.cursor() as cursor:
            cursor.execute(AS_BEFORE.format(earlier=earlier[0]), [notice.pk, *earlier[1]])
    return again


def _queue_addresses(notice: Notice, addresses: Sequence[Address]) -> int:
    """Queue deliveries to addresses that are not queued yet."""
    there = {email.lower() for email in notice.deliveries.values_list("email", flat=True)} if addresses else set()
    operator = _operator_of(notice)
    wanted = {one.email.lower(): one for one in addresses if one.email.lower() not in there}
    Delivery.objects.bulk_create(
        Delivery(
            notice=notice,
            email=one.email,
            name=one.name,
            language=operator.language_for(one.language),
            urgency=urgency(notice.kind),
            next_attempt_at=notice.given_at,
        )
        for one in wanted.values()
    )
    return len(wanted)


def _operator_of(notice: Notice) -> Operator:
    return notice.identity.texts if notice.identity else operator_of_settings()


def _insert(
    notice: Notice,
    source: QuerySet[Contact] | QuerySet[Delivery],
    contact: F,
    language: str,
    site: F | Value | None = None,
) -> int:
    """Queue a delivery for each row of `source` (with `email` and `name`); return the number.

    `language` names the column with that of the recipient; one that is not offered gives way to the operator's first.
    """
    operator = _operator_of(notice)
    own = Value(operator.default_language)
    columns: dict[str, models.expressions.Combinable] = {
        "notice_id": Value(notice.pk),
        "contact_id": contact,
        "site_id": site or Value(None, models.BigIntegerField()),
        "email": F("email"),
        "name": F("name"),
        "language": Case(When(**{f"{language}__in": operator.offered}, then=F(language)), default=own),
        "urgency": Value(urgency(notice.kind)),
        "status": Value(Status.PENDING.value),
        "attempts": Value(0),
        "next_attempt_at": Value(notice.given_at, models.DateTimeField()),
        "trouble": Value(""),
        "last_error": Value(""),
        "resolved_by": Value(""),
        "letter_reference": Value(""),
    }
    rows = source.order_by("pk").values_list(*columns.values())
    select, parameters = rows.query.get_compiler(connection=connection, elide_empty=False).as_sql()
    into = f"{Delivery._meta.db_table} ({', '.join(columns)})"
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {into} {select}", parameters)
        return cursor.rowcount
