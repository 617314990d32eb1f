"""What every door shows alike: replies as blocks of text, sources, times."""
