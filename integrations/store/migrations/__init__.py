"""The schema, step by step; applied by `integrations.store.migrate`."""
