"""Files of every kind, sound, damaged and unwanted, through the public claim form: each is stored or named with a reason.

The heaviest picture is compared with a plain JPEG of as many pixels.
"""

import hashlib
import io
import random
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.test import Client
from PIL import Image

from tests.support.parts import Figure
from tests.support.servers import set_up

NEEDS = ()


@dataclass(frozen=True)
class Size:
    files: int
    side: int
    """Pixels of the pictures that are timed."""


FULL, SMALL = Size(450, side=3500), Size(9, side=200)
TOGETHER = 9
NOW = datetime(2026, 10, 14, 1, tzinfo=UTC)


def run(size: Size) -> Iterator[Figure]:
    set_up()
    import time_machine
    from django.core.files.storage import storages
    from django.core.files.uploadedfile import SimpleUploadedFile

    from claims.models import Proof
    from tests.support.claim_form import Stranger, a_customer_on_record

    a_customer_on_record()
    before = _temporary()
    files = _files(size.files)
    failed = lost = 0
    with time_machine.travel(NOW, tick=True):
        for first in range(0, len(files), TOGETHER):
            together = files[first : first + TOGETHER]
            address = f"198.51.{first // 256}.{first % 256}"
            stranger = Stranger(
                client=Client(REMOTE_ADDR=address, HTTP_HOST="localhost", raise_request_exception=False)
            )
            uploads = [SimpleUploadedFile(name, content) for name, content in together]
            answer = stranger.prove(*uploads)
            failed += answer.status_code >= 500
            page = (stranger.see("proof") if answer.status_code == 302 else answer).content.decode()
            stored = {proof.sha256 for proof in stranger.application.proofs.all()}
            lost += sum(
                hashlib.sha256(content).hexdigest() not in stored and f"{name}: " not in page
                for name, content in together
            )
    named = {str(file) for proof in Proof.objects.all() for file in (proof.file.name, proof.preview.name)}
    kept = {path.name for path in Path(storages["proofs"].location).rglob("*") if path.is_file()}
    yield Figure("files given", len(files))
    yield Figure("files stored", Proof.objects.count(), least=1, required=True)
    yield Figure("answers with HTTP 500", failed, most=0, required=True)
    yield Figure("files neither stored nor named with a reason", lost, most=0, required=True)
    yield Figure("files in the storage that no row names", len(kept - named), most=0, required=True)
    yield Figure("temporary files left behind", len(_temporary() - before), most=0, required=True)
    yield from _weights(size.side)


def _files(count: int) -> list[tuple[str, bytes]]:
    """The files of the tests, then the accepted ones with a few bytes changed; each has a name of its own."""
    from tests.claims.test_proofs_corpus import ACCEPTED, REFUSED

    dice = random.Random(11)
    whole = [(name, content) for name, content, *_rest in [*ACCEPTED, *REFUSED] if content]
    dice.shuffle(whole)
    sound = [(name, content) for name, content, *_rest in ACCEPTED if len(content) < 100_000]
    while len(whole) < count:
        name, content = dice.choice(sound)
        changed = bytearray(content)
        for _change in range(dice.randint(1, 4)):
            changed[dice.randrange(len(changed))] = dice.randrange(256)
        whole.append((name, bytes(changed[: dice.choice([len(changed), dice.randrange(1, len(changed) + 1)])])))
    return [(f"{number}-{name}", content) for number, (name, content) in enumerate(whole[:count])]


def _temporary() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob("tmp*"))


def _weights(side: int) -> Iterator[Figure]:
    from claims.inspection.pictures import MOST_SCANS, read
    from tests.support.proofs import with_scans

    noise = Image.effect_noise((side, side), 20).convert("RGB")

    def made(kind: str, **values) -> bytes:
        content = io.BytesIO()
        noise.save(content, kind, **values)
        return content.getvalue()

    def seconds(content: bytes, kind: str) -> float:
        begun = time.process_time()
        read(content, kind)
        return time.process_time() - begun

    shapes = {
        "a progressive JPEG of as many scans as are read": (
            with_scans(made("JPEG", progressive=True, quality=60), MOST_SCANS),
            "jpg",
        ),
        "a PNG": (made("PNG", compress_level=1), "png"),
        "a WebP": (made("WEBP", method=0), "webp"),
        "a WebP without loss": (made("WEBP", lossless=True, method=0, quality=0), "webp"),
        "a HEIC": (made("HEIF", quality=50), "heic"),
        "an AVIF": (made("AVIF", speed=10), "avif"),
    }
    plain = made("JPEG", quality=60)
    rounds = [
        {"plain": seconds(plain, "jpg")} | {name: seconds(*one) for name, one in shapes.items()} for _ in range(3)
    ]
    for name in shapes:
        ratio = min(one[name] for one in rounds) / min(one["plain"] for one in rounds)
        yield Figure(f"time of {name} against a plain JPEG of as many pixels", ratio, most=8 if side > 1000 else None)
