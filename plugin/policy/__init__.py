"""The operator's policy: what it says, what follows for a device, and who is isolated now. Pure."""
