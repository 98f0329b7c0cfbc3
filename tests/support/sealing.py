"""Claims with proof files, and a storage for tests."""

import tempfile
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages

from claims.models import Application, Claim, Proof
from claims.operations.proofs import add_proof
from sla_portal.audit.actors import Actor
from tests.support.builders import a_contract, a_customer, a_region, at
from tests.support.claimants import DUE, support

NOW = at("2026-10-20 08:00")
FORM = Actor.system("claim form")


def a_claim(status: str = "submitted", **values) -> Claim:
    if status == "recommended":
        values["recommended_by"] = support()
    contract = a_contract(a_customer(a_region()), "2026-01-01", "2026-12-31")
    return Claim.objects.create(
        contract=contract, number=f"CL-{contract.pk}", month="2026-09-01", email="ops@example.com", time_zone="UTC",
        source="form", received_at=NOW, status=status, **DUE, **values,
    )  # fmt: skip


def an_application() -> Application:
    key = f"{Application.objects.count():064}"
    return Application.objects.create(key_hash=key, language="en", started_at=NOW, expires_at=at("2026-10-21 08:00"))


def add(to, content: bytes = b"02:00 down\n", name: str = "log.txt", actor: Actor = FORM) -> Proof:
    return add_proof(actor=actor, to=to, upload=ContentFile(content, name), now=NOW)


def content_of(file) -> bytes:
    with file.open() as stored_file:
        return stored_file.read()


def stored() -> set[str]:
    """The names of all files that are kept."""
    return {path.name for path in Path(storages["proofs"].location).rglob("*")}


@pytest.fixture
def proof_storage(settings, tmp_path, monkeypatch) -> None:
    """A storage and a folder for temporary files of the test's own; nothing may stay in the second."""
    kept = settings.STORAGES["proofs"]
    options = {**kept["OPTIONS"], "location": tmp_path / "proofs"}
    settings.STORAGES = {**settings.STORAGES, "proofs": {**kept, "OPTIONS": options}}
    for field in (Proof._meta.get_field("file"), Proof._meta.get_field("preview")):
        monkeypatch.setattr(field, "storage", storages["proofs"])
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    yield
    assert list(temporary.iterdir()) == []
