"""Every setting, its default and what it means. Read once, by the wiring and the CLI alone."""

from integrations.settings.access import AccessSettings
from integrations.settings.core import Settings
from integrations.settings.people import DeviceSettings, DirectorySettings
from integrations.settings.slack import SlackSettings
from integrations.settings.tickets import TicketSettings

__all__ = [
    "AccessSettings",
    "DeviceSettings",
    "DirectorySettings",
    "Settings",
    "SlackSettings",
    "TicketSettings",
]
