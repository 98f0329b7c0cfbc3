"""Proof materials of a claim, and other claims with the same files (3.3.2)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from ..models import Claim, Proof

MOST = 100


@dataclass(frozen=True)
class ShownProof:
    """A file with the other claims that have the same file."""

    row: Proof
    elsewhere: list[Claim]


def proofs_of(claim: Claim) -> list[ShownProof]:
    """List the files of a claim, oldest first, in two queries."""
    rows = list(claim.proofs.all())
    same = (
        Proof.objects.filter(sha256__in=[row.sha256 for row in rows], claim__isnull=False)
        .exclude(claim=claim)
        .select_related("claim")
        .order_by("-id")[:MOST]
    )
    elsewhere: dict[str, list[Claim]] = defaultdict(list)
    for proof in same:
        if proof.claim:
            elsewhere[proof.sha256].append(proof.claim)
    return [ShownProof(row, elsewhere[row.sha256]) for row in rows]
