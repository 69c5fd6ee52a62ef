"""Composition root of the commands on files: it joins readers, models and what computes."""
