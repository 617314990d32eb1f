"""A run as people read it: one HTML file that opens with the network off, and its figures for machines."""
