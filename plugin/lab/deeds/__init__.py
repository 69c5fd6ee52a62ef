"""Ways to be bad, by what they leave in the traffic: each does one step at every ``next``."""
