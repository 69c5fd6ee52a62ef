"""Notices to people and their tools: webhook, syslog, e-mail. Best effort, never silently lost."""
