"""The benchmark: measures this copilot and any vendor's through the same door."""
