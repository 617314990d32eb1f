"""What a message says: cleaned text, language, labels, requested actions, tone, acts, tried steps."""
