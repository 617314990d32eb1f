"""Who works at the company: from a file, and later from the company's own directory."""
