"""What an audit looks at: each check gives lines, and reads nothing that it is not given."""
