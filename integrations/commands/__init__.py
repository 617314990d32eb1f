"""Bodies of the commands, imported one by one when they run."""
