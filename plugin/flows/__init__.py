"""Flows for novelty detection: one direction of a 5-tuple, cut into parts, as rows of features.

``table`` gathers packet records, ``cut`` parts flows at their gaps, ``spec`` holds what a model
must remember to score another capture, ``features`` makes the rows. All of it computes only.
"""
