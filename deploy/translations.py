"""Check that each compiled translation says what its source says; --write compiles it anew.

gettext's own programs are not on a bare machine, so this does without them.
"""

import sys
from pathlib import Path

import polib

ROOT = Path(__file__).resolve().parent.parent
APPS = ("sla_portal", "claims", "incidents", "maintenance")


def main() -> int:
    stale = []
    for source in sorted(source for app in APPS for source in (ROOT / app).rglob("*.po")):
        compiled = source.with_suffix(".mo")
        wanted = polib.pofile(str(source)).to_binary()
        if "--write" in sys.argv:
            compiled.write_bytes(wanted)
        elif not compiled.exists() or compiled.read_bytes() != wanted:
            stale.append(compiled.relative_to(ROOT))
    for path in stale:
        print(f"{path} does not say what its source says: make translations", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
