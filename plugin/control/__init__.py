"""The daemon's control socket: what it serves, who may ask, and how one asks."""
