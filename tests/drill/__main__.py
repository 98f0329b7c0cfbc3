"""`make drill`, or some of it: `python -m tests.drill kills faults flush rate readers cap survival`."""

import signal
import sys

from .cap import cap
from .deliveries import faults, flush, kills, many
from .ground import ground, set_up
from .rate import rate
from .readers import readers
from .survival import survival

DRILLS = {"kills": kills, "faults": faults, "flush": flush, "rate": rate, "many": many, "readers": readers, "cap": cap}
DRILLS |= {"survival": survival}

# So that whoever stops it stops its servers too.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))

with ground() as here:
    set_up()
    for wanted in sys.argv[1:] or DRILLS:
        name, _, number = wanted.partition("=")
        DRILLS[name](here, *map(int, number.split()))
