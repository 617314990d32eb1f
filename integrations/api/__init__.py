"""The copilot over HTTP: the versioned API, health, metrics and published schemas."""
