"""`python -m tests.bench [--strict] [--size small|full] [part[=number] …]`."""

import sys

from tests.support.parts import main

sys.exit(main("tests.bench"))
