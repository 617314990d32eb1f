"""The `copilot` command. Light: what a command needs is imported when it runs."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import click

_HOME = click.option(
    "--home",
    type=click.Path(path_type=Path),
    default=None,
    help="Home folder (default COPILOT_HOME).",
)
_USER = click.option(
    "--user", default=None, help="Directory id of who asks (demo: the first person)."
)


def _run(module: str, function: str, **arguments: object) -> None:
    """Run a command's body and turn errors into one sentence on stderr and a clear exit code."""
    from integrations.commands.failures import configure_logs, told

    with told():
        configure_logs()
        body = cast(
            Callable[..., int | None],
            getattr(import_module(f"integrations.commands.{module}"), function),
        )
        raise SystemExit(body(**arguments) or 0)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="it-support-copilot")
def main() -> None:
    """Internal IT support copilot: grounded answers, or the right human."""


@main.command()
@click.argument("text", required=False)
@click.option(
    "--json", "as_json", is_flag=True, help="Print the reply as JSON and nothing else on stdout."
)
@_USER
@click.option("--thread", default=None, help="Conversation to continue; an unseen id starts one.")
@click.option(
    "--id", "inquiry_id", default=None, help="Id of the inquiry; a repeat gives the stored reply."
)
@click.option("--at", default=None, help="Clock of the inquiry, ISO 8601 with zone.")
@click.option(
    "--batch", type=click.Path(path_type=Path, dir_okay=False), help="JSON lines of inquiries."
)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Where replies go, one a line."
)
@_HOME
def ask(**options: Any) -> None:
    """Ask TEXT (or '-' for standard input), or a whole file with --batch and --out."""
    _run("ask", "ask", **options)


@main.command()
@_USER
@click.option("--thread", default=None)
@_HOME
def chat(**options: Any) -> None:
    """A conversation in the terminal."""
    _run("ask", "chat", **options)


@main.command()
@click.option("--host", default=None, help="Loopback address to listen on.")
@click.option("--port", type=int, default=None, help="Port (default 8000; 0 picks a free one).")
@_HOME
def serve(**options: Any) -> None:
    """Web page, API and queue page in one process."""
    _run("serve", "serve", **options)


@main.command()
@click.argument("thread")
@click.option("--json", "as_json", is_flag=True)
@_HOME
def show(**options: Any) -> None:
    """Show a conversation with what was decided and why."""
    _run("show", "show", **options)


@main.command()
@click.argument("part", type=click.Choice(["slack", "tickets"]), required=False)
@click.option("--port", type=int, default=None, help="Port that a server shall get (default 8000).")
@_HOME
def doctor(part: str | None, **options: Any) -> None:
    """Check Python, disk, weights, index, policy, store and port, and say what to mend.

    With `slack`: tokens, scopes, events, the triage channel and the ingress. With `tickets`: the ticket system.
    """
    if part is not None:
        _run(part, "doctor")
    _run("doctor", "doctor", **options)


@main.command()
@click.option("--force", is_flag=True, help="Make the export again.")
def setup(**options: Any) -> None:
    """Export the embedding model to ONNX and train the classifiers, once per installation."""
    _run("setup", "setup", **options)


@main.group()
def index() -> None:
    """Versions of the knowledge index."""


@index.command("list")
@_HOME
def index_list(**options: Any) -> None:
    """List the versions kept; the one in use is marked."""
    _run("index", "show_versions", **options)


@index.command("use")
@click.argument("version")
@_HOME
def index_use(**options: Any) -> None:
    """Serve VERSION from now on (roll back or forward)."""
    _run("index", "use", **options)


@index.command("sync")
@click.option(
    "--source", type=click.Path(path_type=Path, file_okay=False), help="Folder of articles."
)
@click.option(
    "--site",
    is_flag=True,
    help="A site's pages (other or no front matter) instead of house articles.",
)
@click.option(
    "--owner",
    default=None,
    help="With --site: queue that owns the pages (default: the company's default queue).",
)
@click.option(
    "--reviewed-on", default=None, help="With --site: review date, YYYY-MM-DD (default: file date)."
)
@_HOME
def index_sync(**options: Any) -> None:
    """Build a version from the articles as they are now; only what changed is embedded."""
    _run("index", "sync", **options)


@main.group()
def policy() -> None:
    """What may be answered and what people decide: test it, explain it, compare it."""


@policy.command("test")
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--company",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="Folder with company.yaml (default COPILOT_COMPANY_DIR).",
)
def policy_test(**options: Any) -> None:
    """Decide the cases in FOLDERS (default: the company's own) and show which do not hold."""
    _run("policy", "test", **options)


@policy.command("explain")
@click.argument("text")
@click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else on stdout.")
@_USER
@click.option("--at", default=None, help="Clock of the message, ISO 8601 with zone.")
@_HOME
def policy_explain(**options: Any) -> None:
    """Show what would be decided about TEXT and why. Nothing is recorded."""
    _run("explain", "explain", **options)


@policy.command("diff")
@click.argument("old")
@click.argument("new")
@click.option(
    "--replay",
    type=click.IntRange(min=1),
    default=500,
    show_default=True,
    help="How many of the latest recorded decisions to make again.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else on stdout.")
@_HOME
def policy_diff(**options: Any) -> None:
    """Decide recorded turns under OLD and NEW: folders with rules/ and actions/, or 'current'."""
    _run("policy", "diff", **options)


@main.command()
@click.option(
    "--cases",
    type=click.Path(path_type=Path, dir_okay=False),
    help="JSON lines of attacks (default: the shipped ones, with success rates).",
)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Where replies go, one a line."
)
@click.option(
    "--as-reviewed",
    is_flag=True,
    help="Plant articles as if somebody had let them through review.",
)
@click.option(
    "--variants",
    is_flag=True,
    help="Also generated variants of the shipped attacks, counted apart.",
)
@_HOME
def redteam(**options: Any) -> None:
    """Attack a throw-away copy of the copilot; nothing reaches the home or its server."""
    _run("redteam", "redteam", **options)


@main.group()
def slack() -> None:
    """Slack's side; `copilot serve` starts it where COPILOT_SLACK_TRANSPORT says how."""


@slack.command("ingress")
@_HOME
def slack_ingress(**options: Any) -> None:
    """Take Slack's deliveries, store them and acknowledge; the server works on them."""
    _run("slack", "ingress", **options)


@slack.command("demo")
@click.option("--port", type=int, default=8090, help="Port of the page (0 picks a free one).")
@_HOME
def slack_demo(**options: Any) -> None:
    """Try the copilot in a simulated Slack: a page on this machine, with everything in one process."""
    _run("demo_slack", "demo", **options)


@main.group()
def tickets() -> None:
    """The company's ticket system; `copilot serve` keeps in step with it where COPILOT_TICKETS_SYSTEM names one."""


@tickets.command("deliveries")
@click.option("--retry", is_flag=True, help="Try again what was refused or put off.")
@_HOME
def tickets_deliveries(**options: Any) -> None:
    """What did not get through to the ticket system, and why."""
    _run("tickets", "deliveries", **options)


@main.group()
def access() -> None:
    """Who may come in where the server runs in production."""


_PERSON = click.option("--person", required=True, help="Directory id.")
_ROLE = click.Choice(["employee", "tier2", "platform", "admin"])


@access.group("token")
def access_token() -> None:
    """Tokens for programs: `Authorization: Bearer …`."""


@access_token.command("create")
@_PERSON
@click.option("--role", "roles", type=_ROLE, multiple=True, default=("employee",))
@click.option("--days", type=click.FloatRange(min=0, min_open=True), default=None)
@_HOME
def access_token_create(**options: Any) -> None:
    """Make a token; it is shown once and never says more than its person may."""
    _run("access", "make_token", **options)


@access_token.command("list")
@_HOME
def access_token_list(**options: Any) -> None:
    """List tokens with their last use."""
    _run("access", "list_tokens", **options)


@access_token.command("revoke")
@click.argument("token")
@_HOME
def access_token_revoke(**options: Any) -> None:
    """End the token of that id."""
    _run("access", "revoke_token", **options)


@access.command("link")
@_PERSON
@_HOME
def access_link(**options: Any) -> None:
    """Print a link that signs somebody in once."""
    _run("access", "link", **options)


@access.command("grant")
@_PERSON
@click.option("--role", type=_ROLE, required=True)
@click.option("--queue", "queues", multiple=True, help="With tier2: for this queue only.")
@_HOME
def access_grant(**options: Any) -> None:
    """Give somebody a role beside those of their groups."""
    _run("access", "grant", **options)


@access.command("withdraw")
@_PERSON
@click.option("--role", type=_ROLE, required=True)
@_HOME
def access_withdraw(**options: Any) -> None:
    """Take back a role that was granted."""
    _run("access", "withdraw", **options)


@access.command("signout")
@_PERSON
@_HOME
def access_signout(**options: Any) -> None:
    """End somebody's sessions and forget which account of the provider is theirs."""
    _run("access", "sign_out", **options)


@access.command("log")
@click.option("--count", type=click.IntRange(min=1), default=50, show_default=True)
@click.option("--person", default=None, help="Only theirs.")
@_HOME
def access_log(**options: Any) -> None:
    """Show who came in and who was refused, newest first."""
    _run("access", "log", **options)


@main.group()
def kb() -> None:
    """The knowledge base."""


@kb.command("check")
@click.option(
    "--source", type=click.Path(path_type=Path, file_okay=False), help="Folder of articles."
)
@click.option("--at", default=None, help="Date for staleness, YYYY-MM-DD.")
@_HOME
def kb_check(**options: Any) -> None:
    """Check every article, and what is stale, missing or doubled."""
    _run("index", "check", **options)


if __name__ == "__main__":
    main()
