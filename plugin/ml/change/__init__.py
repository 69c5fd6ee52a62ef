"""Change: is a device as it was itself? Compared with rows of its own earlier windows. Pure."""
