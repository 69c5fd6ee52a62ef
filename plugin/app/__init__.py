"""The shell of ``halia run``: it owns every socket, file, clock and thread."""
