"""What a rule can decide of a reply, one module a kind of rule."""
