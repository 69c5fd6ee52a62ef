"""The benchmark: Halia beside its peers in one run, and packet by packet beside tshark."""
