"""Text for systems that take only so much of it. Pure."""

CUT = "\n\n[cut here: the rest is in the conversation]"


def shortened(text: str, limit: int) -> str:
    """At most `limit` bytes, and a word about what is left out; no character is cut in halves."""
    whole = text.encode("utf-8", "replace")
    if len(whole) <= limit:
        return text
    return whole[: limit - len(CUT)].decode("utf-8", "ignore") + CUT
