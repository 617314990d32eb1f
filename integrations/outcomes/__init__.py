"""What became of conversations: outcomes, and who would count them as deflected."""
