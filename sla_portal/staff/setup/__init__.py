"""From an empty portal to one that is open to the public."""
