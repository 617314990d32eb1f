"""Replace the message that a button was tapped on, also one that only its reader sees."""

from integrations.slack.client import Slack
from integrations.slack.ledger import Place
from integrations.slack.message import Message
from integrations.slack.parts import Payload
from integrations.slack.posting import Poster


class Replacing:
    """Messages with buttons that have been answered."""

    def __init__(self, slack: Slack, poster: Poster) -> None:
        self._slack = slack
        self._poster = poster

    async def replace(self, payload: Payload, message: Message) -> None:
        """The new message in the place of the tapped one."""
        ts, channel = str(payload["message_ts"]), str(payload["channel"])
        if payload.get("is_ephemeral"):
            # Only the tap's own address reaches a message that one person sees.
            await self._slack.respond(
                str(payload["response_url"]),
                {"replace_original": True, "text": message.text, "blocks": list(message.blocks)},
            )
        elif ts and channel:
            await self._poster.rewrite(Place(str(payload["team"]), channel), ts, message)
