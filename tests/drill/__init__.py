"""Drills: the portal's processes are killed, the servers around them fail, and the books must still balance (`make drill`).

Each has a twin with the protection off, which must fail: else the drill would prove nothing.
"""
