"""The agent: two verbs (`ask`, `follow_up`), the ports it needs and the graph between them."""
