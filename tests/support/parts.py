"""Benches and drills: parts that are found by their place, run alike in two sizes, and held against their aims.

A part is a module directly in `tests/bench` or `tests/drill` with

- a docstring, whose first line is printed before the figures,
- `NEEDS`: marks of pytest that say what it needs: `postgresql`, `redis`, `pdf`. Servers of its own are running when it begins,
- `FULL` and `SMALL`: two values of a frozen dataclass, whose first field `part=NUMBER` replaces on the command line,
- `run(size)`: measure, and give a `Figure` as soon as it is known.

`make test` runs each part in its small size. What parts share lies in folders beside them.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import signal
import subprocess
import sys
from dataclasses import dataclass, fields, replace

from .servers import provided


@dataclass(frozen=True)
class Figure:
    """What was measured, and its aim: at most `most`, at least `least`.

    A required aim holds on any machine and in any size (that books balance); the others are judged with `--strict` only.
    """

    name: str
    value: float
    unit: str = ""
    most: float | None = None
    least: float | None = None
    required: bool = False

    @property
    def missed(self) -> bool:
        # Asked so that what is not a number misses any aim.
        return not ((self.most is None or self.value <= self.most) and (self.least is None or self.value >= self.least))

    def __str__(self) -> str:
        aims = [f"{sign} {_number(aim)}" for sign, aim in (("≤", self.most), ("≥", self.least)) if aim is not None]
        aim = f" (aim {', '.join(aims)}{': missed' if self.missed else ''})" if aims else ""
        return f"{self.name}: {_number(self.value)}{self.unit and ' ' + self.unit}{aim}"


def _number(value: float) -> str:
    return f"{value:.0f}" if isinstance(value, int) or abs(value) >= 100 else f"{value:.3g}"


def found(package: str) -> list[str]:
    """Name the parts of a package."""
    modules = pkgutil.iter_modules(importlib.import_module(package).__path__)
    return [one.name for one in modules if not one.ispkg and not one.name.startswith(("__", "test_"))]


def main(package: str, arguments: list[str] | None = None) -> int:
    """Run parts, each in a process of its own; return 1 where one fails or misses an aim that is judged."""
    parser = argparse.ArgumentParser(prog=f"python -m {package}")
    parser.add_argument(
        "parts", nargs="*", metavar="part[=number]", help=f"all, or some of: {', '.join(found(package))}"
    )
    parser.add_argument("--size", choices=["full", "small"], default="full")
    parser.add_argument("--strict", action="store_true", help="exit 1 where a figure misses its aim")
    asked = parser.parse_args(arguments)
    for part in asked.parts:
        if part.partition("=")[0] not in found(package):
            parser.error(f"There is no part “{part}”. There are: {', '.join(found(package))}.")
    # So that whoever stops it stops its servers too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    match asked.parts or found(package):
        case [part]:
            return run(package, part, asked.size, strict=asked.strict)
        case parts:
            options = ["--size", asked.size, *(["--strict"] if asked.strict else [])]
            failed = [part for part in parts if _in_a_process([package, *options, part])]
            if failed:
                print(f"Failed: {', '.join(failed)}.")
            return int(bool(failed))


def _in_a_process(command: list[str]) -> int:
    with subprocess.Popen([sys.executable, "-m", *command]) as process:
        try:
            return process.wait()
        except BaseException:
            process.terminate()
            raise


def run(package: str, wanted: str, size_name: str, *, strict: bool) -> int:
    """Run one part in this process and print its figures."""
    name, _, number = wanted.partition("=")
    part = importlib.import_module(f"{package}.{name}")
    size = {"full": part.FULL, "small": part.SMALL}[size_name]
    if number:
        size = replace(size, **{fields(size)[0].name: int(number)})
    print(f"{name}: {part.__doc__.splitlines()[0]}", flush=True)
    missed = False
    with provided(part.NEEDS):
        for figure in part.run(size):
            print(f"  {figure}", flush=True)
            missed |= figure.missed and (strict or figure.required)
    return int(missed)
