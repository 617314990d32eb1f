"""Systems under test, all through one protocol."""
