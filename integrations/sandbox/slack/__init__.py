"""A Slack to talk to where Slack's cloud can't be reached: stateful, with its errors, limits and delays.

It is made after Slack's documentation, not after the product: `tests/integrations/slack` compares it
with an independent emulator where they overlap.
"""
