"""Benches: how fast the portal is, as ratios to references that run in turn with it (`make bench`)."""
