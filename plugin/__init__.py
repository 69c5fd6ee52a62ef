"""Halia: watch and defend a Faucet-controlled network."""

__version__ = "0.1.0"
DISTRIBUTION = "halia"
