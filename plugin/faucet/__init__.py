"""The SDN controller Faucet: its events, its configuration, and the one hook we have in it."""
