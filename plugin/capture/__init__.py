"""Captures: files and streams to the core's records."""
