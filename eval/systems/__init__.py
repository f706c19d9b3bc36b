"""Systems that the protocols compare, by name."""
