"""Who may do what at the HTTP doors: identities, their ways in, and the table of rules."""
