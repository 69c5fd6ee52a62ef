"""Sessions as people and other tools see them: states, identifiers, log rows."""
