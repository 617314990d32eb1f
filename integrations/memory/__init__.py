"""What people confirmed to have solved a ticket, and how search learns from it."""
