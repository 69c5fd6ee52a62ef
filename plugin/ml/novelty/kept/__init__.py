"""Detectors as numbers and arrays: a module fits one algorithm, checks and scores what it kept."""
