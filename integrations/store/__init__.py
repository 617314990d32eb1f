"""The record of every turn in SQLite or PostgreSQL, written before anything outside happens."""
