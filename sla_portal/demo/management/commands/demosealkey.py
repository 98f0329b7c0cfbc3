"""`manage.py demosealkey`: make a key for seals that prove nothing."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

VALID = timedelta(days=3650)


class Command(BaseCommand):
    help = "Makes a demonstration key for seals in the private folder, unless one is there or SEAL_KEY names another."

    def handle(self, *_args: Any, **_options: Any) -> None:
        if settings.HTTPS:
            raise CommandError("SITE_URL is https: a demonstration key seals nothing there.")
        if settings.SEAL_KEY:
            return
        made = _key_and_certificate()
        descriptor = os.open(settings.DEMONSTRATION_KEY, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(made)
        self.stdout.write(f"Made a demonstration key for seals, which prove nothing: {settings.DEMONSTRATION_KEY}")


def _key_and_certificate() -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    from sla_portal.audit.sealing.keys import DEMONSTRATION

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, "SLA portal demonstration key"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, DEMONSTRATION),
        ]
    )
    now = timezone.now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + VALID)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    return key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ) + certificate.public_bytes(pem)
