"""The edges: settings, wiring, store, ticket desk, directory, HTTP, web and terminal."""
