"""Workspaces that install the app themselves: OAuth through Bolt, tokens in its own store."""

from pathlib import Path

from slack_bolt.oauth.async_oauth_flow import AsyncOAuthFlow
from slack_bolt.oauth.async_oauth_settings import AsyncOAuthSettings
from slack_sdk.oauth.installation_store.sqlite3 import SQLite3InstallationStore
from slack_sdk.oauth.state_store.sqlite3 import SQLite3OAuthStateStore
from slack_sdk.web.async_client import AsyncWebClient

from integrations.slack.client import SlackRefusedError, Token

INSTALL, REDIRECT = "/slack/install", "/slack/oauth_redirect"
SCOPES = (
    "app_mentions:read",
    "assistant:write",
    "channels:history",
    "channels:read",
    "chat:write",
    "commands",
    "groups:history",
    "groups:read",
    "im:history",
    "im:read",
    "im:write",
    "users:read",
    "users:read.email",
)
"""What the bot may do; `slack/manifest.yaml` says the same."""
_STATE_SECONDS = 600


class Installations:
    """The workspaces that installed the app, in a file of the home."""

    def __init__(self, file: Path, client_id: str) -> None:
        self._client_id = client_id
        self._file = str(file)
        self._store = SQLite3InstallationStore(database=self._file, client_id=client_id)

    def flow(self, client_secret: str, client: AsyncWebClient) -> AsyncOAuthFlow:
        """What serves the addresses of an installation."""
        base = client.base_url.removesuffix("api/")
        return AsyncOAuthFlow(
            client=client,
            settings=AsyncOAuthSettings(
                client_id=self._client_id,
                client_secret=client_secret,
                scopes=list(SCOPES),
                install_path=INSTALL,
                redirect_uri_path=REDIRECT,
                authorization_url=f"{base}oauth/v2/authorize",
                installation_store=self._store,
                state_store=SQLite3OAuthStateStore(
                    expiration_seconds=_STATE_SECONDS, database=self._file
                ),
            ),
        )

    def token(self) -> Token:
        """The bot's token of each workspace."""

        async def token(team: str) -> str:
            bot = await self._store.async_find_bot(enterprise_id=None, team_id=team)
            if bot is None or bot.bot_token is None:
                raise SlackRefusedError("the token of a workspace", "not_installed")
            return bot.bot_token

        return token


def one_workspace(token: str) -> Token:
    """The same token everywhere."""

    async def same(_team: str) -> str:
        return token

    return same
