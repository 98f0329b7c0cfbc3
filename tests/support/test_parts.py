"""Benches and drills in their small sizes, so that none rots; and what runs them. No speed is judged here."""

import os
import re
import signal
import subprocess
import sys
from importlib import import_module
from math import nan

import pytest

from .parts import Figure, found, main

PACKAGES = ("tests.bench", "tests.drill")


def every_part():
    for package in PACKAGES:
        for name in found(package):
            needs = import_module(f"{package}.{name}").NEEDS
            marks = [getattr(pytest.mark, need) for need in needs]
            marks.append(pytest.mark.django_db if "postgresql" in needs else pytest.mark.pure)
            yield pytest.param(package, name, marks=marks, id=f"{package.removeprefix('tests.')}-{name}")


@pytest.mark.parametrize(("package", "name"), [*every_part()])
def test_a_part_runs_to_its_end_and_says_what_it_measured(package, name):
    command = [sys.executable, "-m", package, "--size", "small", name]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    figures = re.findall(r"^  .+: -?\d[\d.e+-]*", ended.stdout, re.MULTILINE)
    assert figures
    if package == "tests.drill":
        assert re.search(r"\(aim ≤ 0\)", ended.stdout), "Nothing is asked of this drill's books."


# What runs them


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package with one part, which measures what the test says and counts rounds."""
    folder = tmp_path / "measured"
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.partition(".")[0] == "measured"]:
        monkeypatch.delitem(sys.modules, name)

    def write(*figures: str, name: str = "part") -> str:
        (folder / f"{name}.py").write_text(
            '"""What is measured."""\n'
            "from dataclasses import dataclass\n"
            "from tests.support.parts import Figure\n"
            "NEEDS = ()\n"
            "@dataclass(frozen=True)\n"
            "class Size:\n"
            "    rounds: int\n"
            "FULL, SMALL = Size(100), Size(1)\n"
            "def run(size):\n"
            "    yield Figure('rounds', size.rounds)\n" + "".join(f"    yield {figure}\n" for figure in figures)
        )
        return "measured"

    environment, stopping = dict(os.environ), signal.getsignal(signal.SIGTERM)
    yield write
    os.environ.clear()
    os.environ.update(environment)
    signal.signal(signal.SIGTERM, stopping)


SURELY_MISSED, SURELY_MET = "Figure('time', 3.0, 's', most=2)", "Figure('time', 1.0, 's', most=2)"


@pytest.mark.pure
@pytest.mark.parametrize(
    ("figure", "options", "code"),
    [
        (SURELY_MISSED, ["--strict"], 1),
        (SURELY_MISSED, [], 0),
        (SURELY_MET, ["--strict"], 0),
        ("Figure('lost', 1, most=0, required=True)", [], 1),
        ("Figure('lost', 0, most=0, required=True)", [], 0),
        ("Figure('its twin: lost', 0, least=1, required=True)", [], 1),
    ],
)
def test_a_missed_aim_fails_where_it_is_asked_or_required(package, figure, options, code, capsys):
    assert main(package(figure), [*options, "part"]) == code


@pytest.mark.pure
def test_the_line_of_a_missed_aim_says_so(package, capsys):
    main(package(SURELY_MISSED, SURELY_MET), ["--strict", "--size", "small"])
    assert capsys.readouterr().out.splitlines() == [
        "part: What is measured.",
        "  rounds: 1",
        "  time: 3 s (aim ≤ 2: missed)",
        "  time: 1 s (aim ≤ 2)",
    ]


@pytest.mark.pure
def test_the_figure_after_a_missed_aim_is_still_measured(package, capsys):
    assert main(package("Figure('lost', 1, most=0, required=True)", SURELY_MET), ["part"]) == 1
    assert "time: 1 s" in capsys.readouterr().out


@pytest.mark.pure
def test_full_is_the_size_where_none_is_named_and_a_number_replaces_the_first_of_it(package, capsys):
    package()
    main("measured", ["part"])
    main("measured", ["part=7"])
    assert re.findall(r"rounds: (\d+)", capsys.readouterr().out) == ["100", "7"]


@pytest.mark.pure
def test_a_part_is_found_by_its_place_and_a_failure_among_several_is_named(package, capfd, monkeypatch, tmp_path):
    package(SURELY_MISSED, name="slow")
    package(SURELY_MET, name="fast")
    (tmp_path / "measured" / "__main__.py").write_text(
        "import sys\nfrom tests.support.parts import main\nsys.exit(main('measured'))\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    assert found("measured") == ["fast", "slow"]
    assert main("measured", ["--strict"]) == 1
    said = capfd.readouterr().out
    assert "fast: What is measured." in said
    assert "slow: What is measured." in said
    assert said.endswith("Failed: slow.\n")
    assert main("measured", ["--strict", "fast", "fast"]) == 0


@pytest.mark.pure
def test_a_part_that_is_not_there_is_refused(package, capsys):
    package()
    with pytest.raises(SystemExit):
        main("measured", ["another"])
    assert "There is no part “another”. There are: part." in capsys.readouterr().err


@pytest.mark.pure
def test_what_is_not_a_number_misses_any_aim():
    assert Figure("ratio", nan, most=1).missed
    assert Figure("ratio", nan, least=1).missed
    assert not Figure("ratio", nan).missed
