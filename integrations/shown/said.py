"""What the buttons below a reply say."""

SAID_BY_BUTTON = {
    "still_stuck": "I did that and it still does not work.",
    "talk_to_human": "I want to talk to a human.",
}
"""What a button says in the conversation, so that the copilot decides what follows."""
