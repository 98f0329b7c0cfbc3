"""`make` takes a Python that the portal runs on, and says what it found where there is none."""

import shutil
import subprocess
import sys

import pytest
from django.conf import settings

PRETEND = """#!/bin/sh
exec {python} -c 'import sys; sys.version_info = ({version}, "final", 0); exec(sys.argv[1])' "$2"
"""


@pytest.fixture
def make(tmp_path):
    """Run `make .venv/bin/python` where only the given Pythons are found: name → version, as 3, 11, 2."""

    def run(*arguments: str, **pythons: str) -> subprocess.CompletedProcess[str]:
        programs = tmp_path / "bin"
        programs.mkdir()
        for tool in ("make", "bash", "grep", "sort", "paste", "sed"):
            (programs / tool).symlink_to(shutil.which(tool))
        for name, version in pythons.items():
            (programs / name).write_text(PRETEND.format(python=sys.executable, version=version))
            (programs / name).chmod(0o755)
        (programs / "python3.9").symlink_to("/nowhere")  # a name behind which is no Python
        shutil.copy(settings.BASE_DIR / "Makefile", tmp_path)
        return subprocess.run(
            ["make", *arguments, ".venv/bin/python"],
            cwd=tmp_path,
            env={"PATH": str(programs)},
            capture_output=True,
            text=True,
        )

    return run


@pytest.mark.parametrize("version", ["3, 11, 0", "3, 12, 7", "3, 13, 5", "3, 14, 8"])
def test_every_supported_python_is_taken(make, version):
    assert make("-n", python3=version).stdout.splitlines()[-1] == "python3 -m venv .venv"


def test_where_none_fits_the_sentence_names_those_found(make):
    ended = make(python3="3, 15, 1", **{"python3.10": "3, 10, 12", "python3.15": "3, 15, 1"})
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[0] == (
        "Python 3.11, 3.12, 3.13 or 3.14 is needed. Found: python3 (3.15.1), python3.10 (3.10.12), python3.15 (3.15.1)."
    )


def test_where_there_is_none_at_all_the_sentence_says_so(make):
    assert make().stderr.splitlines()[0] == "Python 3.11, 3.12, 3.13 or 3.14 is needed. Found: none."
