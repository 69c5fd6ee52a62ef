"""The store: what the journal says, as tables that can be asked. The journal is the truth."""
