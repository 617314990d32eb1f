"""Attacks to measure the copilot with: hand-written ones as data, and variants of texts for testing."""
