"""Operators."""

from datetime import datetime
from io import BytesIO

from PIL import Image

from sla_portal.audit.actors import Actor
from sla_portal.operator.models import STATED, Identity
from sla_portal.operator.operations import LogoFile, save_identity
from tests.support.builders import at

GMBH = dict.fromkeys(STATED, "") | {
    "name": "Example Intercom Cloud GmbH",
    "name_zh": "示例对讲云有限公司",
    "address": "Hafenstraße 12, Hamburg",
    "languages": "en,zh-hans",
    "default_language": "en",
    "customer_language": "en",
}


NOW = at("2026-09-01 08:00")


def an_operator(now: datetime = NOW, logo: LogoFile | None = None, **texts: str) -> Identity:
    return save_identity(actor=Actor.system("test"), texts=GMBH | texts, logo=logo, now=now)


def a_logo(colour: str = "#0a7a31", size: tuple[int, int] = (48, 12)) -> LogoFile:
    return LogoFile(a_picture(colour, size), "image/png", *size)


def a_picture(colour: str = "#0a7a31", size: tuple[int, int] = (48, 12)) -> bytes:
    made = BytesIO()
    Image.new("RGB", size, colour).save(made, "PNG")
    return made.getvalue()
