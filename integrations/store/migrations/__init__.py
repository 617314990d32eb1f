"""The schema, step by step; `integrations.store.migrate` applies what is missing when a store opens.

To change the schema: change the tables, add `versions/rNNNN_what_changes.py` with `revision = "NNNN"` after
the newest one, and set `migrate.HEAD`. A test compares the result with the tables.
"""
