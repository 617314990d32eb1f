"""Cases of the embedded desk kept in step with the company's ticket system."""
