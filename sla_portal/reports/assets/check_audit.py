"""Recompute the hashes of audit.jsonl: each covers the previous hash and the content of the entry as canonical JSON."""

import hashlib
import json
import pathlib

wrong = 0
lines = (pathlib.Path(__file__).parent / "audit.jsonl").read_text(encoding="utf-8").splitlines()
for line in lines:
    entry = json.loads(line)
    content = json.dumps(entry["content"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    if hashlib.sha256(f"{entry['previous_hash']}\n{content}".encode()).hexdigest() != entry["hash"]:
        wrong += 1
        print("Changed entry:", entry["id"])
print(f"{len(lines)} entries, {wrong} of them changed")
raise SystemExit(bool(wrong))
