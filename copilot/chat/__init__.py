"""Chat models behind the copilot: asked for structured answers, within limits, never trusted."""
