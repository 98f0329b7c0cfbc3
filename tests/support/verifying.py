"""The program in every evidence bundle that verifies it, as a module."""

import importlib.util
from pathlib import Path
from zipfile import ZipFile

PROGRAM = Path(__file__).parents[2] / "sla_portal/reports/assets/verify.py"
spec = importlib.util.spec_from_file_location("verify", PROGRAM)
assert spec
assert spec.loader
verify = importlib.util.module_from_spec(spec)
spec.loader.exec_module(verify)


def failed(archive: ZipFile, folder: Path, published: dict[int, str]) -> int:
    """Unpack a bundle and return how many checks fail."""
    archive.extractall(folder)
    run = verify.Verification(folder, published)
    run.run()
    return run.failed
