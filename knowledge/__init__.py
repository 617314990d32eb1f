"""The knowledge base: articles, their index, and search that knows when it is not sure."""
