"""The contacts of customers, and what they may do: a site has its own and those of its installer."""

from __future__ import annotations

from typing import Any

from django.db.models import Case, Exists, OuterRef, Q, QuerySet, When

from sla_portal.kernel.remembering import remembered

from .models import Client, Contact, CoreFunction, Customer, Right


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


def acting_for(customers: QuerySet[Customer], email: str, right: Right) -> QuerySet[Customer]:
    """Return the customers for which the holder of an address has a right (5.2).

    Where contacts of a customer are marked for it, only these; where none is, all of its contacts.
    """
    marked = Contact.objects.filter(OF_CUSTOMER, **{right: True})
    return with_address(customers, email).filter(~Exists(marked) | Exists(marked.filter(email__iexact=email)))


def contacts_with(right: Right, customers: QuerySet[Customer]) -> QuerySet[Contact]:
    """Return the contacts that have a right for one of the customers, by the rule of `acting_for`."""
    return contacts_of(customers).filter(**{right: True}) | contacts_of(customers & unmarked(right))


def unmarked(right: Right) -> QuerySet[Customer]:
    """Return the customers of which no contact is marked for a right, their own or their installer's."""
    owners = Contact.objects.filter(**{right: True}).order_by().values("customer")
    return Customer.objects.exclude(Q(pk__in=owners) | Q(installer__in=owners))


def has_right(right: Right, customer: str) -> Q:
    """Return the condition that a contact has a right for the customer whose key the expression `customer` names."""
    return Q(**{right: True}) | Q(**{f"{customer}__in": unmarked(right).order_by().values("pk")})


def marked_contacts(customer: Customer, right: Right) -> QuerySet[Contact]:
    """Return the contacts of a customer that are marked for a right; none: all of its contacts have it."""
    return contacts_of_customer(customer).filter(**{right: True})
