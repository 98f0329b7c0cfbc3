"""`python -m tests.bench [part …]`: how fast, each as a ratio to its reference in one interleaved run.

A part is a module beside this one with a docstring and a function `run`.
"""

import importlib
import pkgutil
import sys

import tests.bench

parts = [module.name for module in pkgutil.iter_modules(tests.bench.__path__) if module.name != "__main__"]
for name in sys.argv[1:] or parts:
    if name not in parts:
        sys.exit(f"There is no part “{name}”. There are: {', '.join(parts)}.")
    part = importlib.import_module(f"tests.bench.{name}")
    print(f"{name}: {part.__doc__.splitlines()[0]}", flush=True)
    part.run()
