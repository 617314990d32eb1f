"""The `evals` command. Light: a command's module is imported when it runs."""

from importlib import import_module

import click

_COMMANDS = {
    "run": "evals.commands.run",
    "regrade": "evals.commands.regrade",
    "report": "evals.commands.report",
    "gate": "evals.commands.gate",
    "bless": "evals.commands.bless",
    "check": "evals.commands.check",
    "agreement": "evals.commands.agreement",
}
"""A command's name, and the module that holds it as `command`."""


class _Lazy(click.Group):
    """Commands that are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(_COMMANDS[cmd_name]).command
        return command


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="it-support-copilot")
def main() -> None:
    """The benchmark: same cases, same rubric, same graders for every system."""


if __name__ == "__main__":
    main()
