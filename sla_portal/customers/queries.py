"""The contacts of customers, and what they may do: a site has its own and those of its installer."""

from __future__ import annotations

from typing import Any

from django.db.models import Case, Exists, OuterRef, Q, QuerySet, When

from sla_portal.kernel.remembering import remembered

from .models import Client, Contact, CoreFunction, Customer


@remembered
def core_functions() -> tuple[CoreFunction, ...]:
    """Return all core functions in their order."""
    return tuple(CoreFunction.objects.all())


@remembered
def clients() -> tuple[Client, ...]:
    """Return all clients in their order."""
    return tuple(Client.objects.all())


OF_CUSTOMER = Q(customer=OuterRef("pk")) | Q(customer=OuterRef("installer"))
"""Contacts of the customer of the outer query."""


def contacts_of(customers: QuerySet[Customer]) -> QuerySet[Contact]:
    """Return the contacts of customers: their own, and those of their installers."""
    chosen = customers.order_by()
    installers = chosen.filter(installer__isnull=False).values("installer")
    return Contact.objects.filter(Q(customer__in=chosen.values("pk")) | Q(customer__in=installers))


def contacts_of_customer(customer: Customer) -> QuerySet[Contact]:
    """Return the contacts of a customer: its own first, then those of its installer."""
    found = Contact.objects.filter(customer__in=[customer.pk, customer.installer_id]).select_related("customer")
    return found.order_by(Case(When(customer=customer.pk, then=0), default=1), "email", "pk")


def with_contact(customers: QuerySet[Customer], **lookups: Any) -> QuerySet[Customer]:
    """Return the customers that have a contact to which the lookups apply, their own or their installer's."""
    # Not a correlated subquery: an OR in one is evaluated for each customer.
    owners = Contact.objects.filter(**lookups).order_by().values("customer")
    return customers.filter(Q(pk__in=owners) | Q(installer__in=owners))


def with_address(customers: QuerySet[Customer], email: str) -> QuerySet[Customer]:
    """Return the customers that have a contact with this e-mail address, their own or their installer's."""
    return with_contact(customers, email__iexact=email)


def acting_for(customers: QuerySet[Customer], email: str) -> QuerySet[Customer]:
    """Return the customers for which the holder of an address may terminate contracts and claim compensation (5.2).

    Where contacts of a customer are marked as authorised, only these; where none is, all of its contacts.
    """
    marked = Contact.objects.filter(OF_CUSTOMER, authorised=True)
    return with_address(customers, email).filter(~Exists(marked) | Exists(marked.filter(email__iexact=email)))


def authorised_contacts(customer: Customer) -> QuerySet[Contact]:
    """Return the contacts of a customer that are marked as authorised; none: all of its contacts are."""
    return contacts_of_customer(customer).filter(authorised=True)
