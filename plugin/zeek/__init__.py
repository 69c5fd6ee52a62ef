"""Zeek's logs, read line by line. No files: whoever has one gives its lines."""
