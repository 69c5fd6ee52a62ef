"""Verdicts out: messages, the disk spool that keeps them, and RabbitMQ."""
