"""Features, models and what they say about a device."""
