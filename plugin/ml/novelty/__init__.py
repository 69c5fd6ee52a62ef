"""Novelty: how unlike a set of reference rows a row is. Larger scores are less usual."""
