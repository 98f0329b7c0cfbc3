"""Many contacts, and a notice for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from sla_portal.customers.models import Contact
    from sla_portal.notices.models import Notice


def contacts(number: int, name: str) -> QuerySet[Contact]:
    """So many contacts of two customers, one for each language."""
    from sla_portal.customers.models import Contact, Customer, Region

    region = Region.objects.get_or_create(code="eu", defaults={"name": "Europe"})[0]
    customers = [
        Customer.objects.create(code=f"{name}-{language}", name=name, region=region, language=language)
        for language in ("en", "zh-hans")
    ]
    Contact.objects.bulk_create(
        (
            Contact(customer=customers[n % 2], email=f"{name}-{n}@example.com", name=f"Person {n}")
            for n in range(number)
        ),
        batch_size=5000,
    )
    return Contact.objects.filter(customer__in=customers)


def give(audience: QuerySet[Contact]) -> Notice:
    """A notice of some length in both languages."""
    from django.utils import timezone

    from sla_portal.audit.actors import Actor
    from sla_portal.notices.operations import give_notice
    from sla_portal.notices.wording import Words

    return give_notice(
        actor=Actor.system("drill"), kind="maintenance", about="MW-1", public=True, now=timezone.now(), audience=audience,
        wordings=[Words("en", "Maintenance", "We work. " * 60), Words("zh-hans", "维护通知", "我们将进行维护。" * 60)],
    )  # fmt: skip
