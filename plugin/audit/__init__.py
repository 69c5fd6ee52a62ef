"""The journal: what Halia did and why, append-only, each entry bound to the one before."""
