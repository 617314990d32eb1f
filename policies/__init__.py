"""What the copilot may do, decided outside the model: catalogue, rules, engine, redaction."""
