"""Each process loads what it uses; what few pages and tasks need comes with them."""

import re

import pytest

from tests.bench.processes import Checkout
from tests.everything import ROOT

pytestmark = pytest.mark.sqlite

RARE = {
    "openpyxl", "numpy", "lxml", "boto3", "botocore", "storages", "requests", "weasyprint", "pydyf", "PIL", "pikepdf",
    "pypdfium2", "icalendar", "pyhanko", "pyhanko_certvalidator", "cryptography", "asn1crypto", "aiohttp", "pkcs11",
}  # fmt: skip
SOME = {"holidays", "markdown_it"}
"""What some pages of the website need."""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Checkout:
    """This checkout, whose processes write into their log what they load."""
    made = Checkout(ROOT, tmp_path_factory.mktemp("processes") / "var")
    made.environment["PYTHONPROFILEIMPORTTIME"] = "1"
    return made


def loaded(checkout: Checkout) -> set[str]:
    names = re.findall(r"^import time:.*\| +(\w+)", checkout.log.read_text(), re.MULTILINE)
    return set(names)


@pytest.mark.parametrize(("process", "rare"), [("web", RARE), ("worker", RARE | SOME), ("beat", RARE | SOME)])
def test_a_process_loads_nothing_that_it_does_not_use(checkout, process, rare):
    weighed = getattr(checkout, process)()
    assert "django" in loaded(checkout)
    assert loaded(checkout) & rare == set()
    # Each is read by itself, and a process may grow in between: which is the larger says nothing here.
    assert min(weighed.values()) > 0


def test_a_command_loads_nothing_that_it_does_not_use(checkout):
    with checkout.running("manage.py", "check") as check:
        assert check.wait(60) == 0
    assert "django" in loaded(checkout)
    assert loaded(checkout) & (RARE | SOME) == set()
