"""Where handoffs become tickets: the embedded desk, and later the company's own ticket system."""
