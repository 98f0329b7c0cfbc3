"""What sealing adds to a report whose shared pages are at hand, in batches, without and with a time-stamping authority.

Reports and seals take turns in one process, and of each the shortest processor time stands: the one least disturbed. pyHanko's own
signer runs in turn with them, as the reference. The authority runs in a process of its own; what it takes is not counted.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path

from tests.support.parts import Figure

NEEDS = ("pdf",)


@dataclass(frozen=True)
class Size:
    rounds: int
    batch: int


FULL, SMALL = Size(8, batch=20), Size(1, batch=2)
MONTHS = {2: "calm month", 12: "eventful month"}
"""By the number of failure events."""
AIM = 0.2


def run(size: Size) -> Iterator[Figure]:
    import django

    django.setup()
    with tempfile.TemporaryDirectory() as folder, authority() as address:
        for events, title in MONTHS.items():
            yield from measure(events, title, size, Path(folder), address)


@contextmanager
def authority() -> Iterator[str]:
    """Run a time-stamping authority in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.seals"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout.readline().strip()
        process.stdin.close()


def measure(events: int, title: str, size: Size, folder: Path, address: str) -> Iterator[Figure]:
    from django.conf import settings

    from sla_portal.audit.sealing import Sealed, ToSeal, opened_key, seal_batch
    from sla_portal.reports.pdf import render
    from tests.support.authority import Authority, written
    from tests.support.statements import customer, eventful_month, issued

    settings.SEAL_KEY = written(folder / "key.pem", Authority().issue("Operator").as_pem())
    statements = [issued(customer(eventful_month(events), code=f"C-{number:03}")) for number in range(size.batch)]
    now = datetime.now(UTC)
    times: dict[str, list[float]] = {name: [] for name in ("reports", "seals", "stamped", "pyHanko")}

    def timed(name: str, work):
        begun = time.process_time()
        done = work()
        times[name].append((time.process_time() - begun) / size.batch)
        return done

    with opened_key(now) as key:
        render(statements[0])
        for _ in range(size.rounds):
            pdfs = timed("reports", lambda: [render(statement) for statement in statements])
            batch = [ToSeal(number, sha256(pdf).hexdigest(), pdf) for number, pdf in enumerate(pdfs)]
            for name, url in (("seals", ""), ("stamped", address)):
                settings.SEAL_TIMESTAMP_URL = url
                done = timed(name, lambda batch=batch: seal_batch(key, batch, at=now))
                assert all(isinstance(one, Sealed) for one in done)
            timed("pyHanko", lambda pdfs=pdfs: [signed_by_pyhanko(key.signer, pdf) for pdf in pdfs])
    best = {name: min(taken) for name, taken in times.items()}
    whose = "of a report with shared pages at hand"
    yield Figure(f"{title}, a seal", best["seals"] / best["reports"], whose, most=AIM)
    yield Figure(f"{title}, a seal with a time stamp", best["stamped"] / best["reports"], whose)
    yield Figure(f"{title}, a signature by pyHanko's own writer", best["pyHanko"] / best["reports"], whose)
    yield Figure(f"{title}, a seal", best["seals"] * 1000, "ms")


def signed_by_pyhanko(signer, pdf: bytes) -> bytes:
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign.fields import SigSeedSubFilter
    from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner

    form = PdfSignatureMetadata(field_name="Seal", subfilter=SigSeedSubFilter.PADES, md_algorithm="sha256")
    return PdfSigner(form, signer).sign_pdf(IncrementalPdfFileWriter(BytesIO(pdf))).getvalue()


if __name__ == "__main__":
    from tests.support.authority import services

    with services() as offered:
        print(offered.timestamp_url, flush=True)
        sys.stdin.read()
