"""Slack: an ingress that stores what arrives before it acknowledges, and a worker that answers."""
