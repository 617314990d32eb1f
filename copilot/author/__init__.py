"""Writing replies: the deterministic author quotes, a chat model may take its place."""
