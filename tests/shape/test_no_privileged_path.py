"""The copilot has nothing with which a privileged operation could be done: no library, no credential,
no port, no code. Whoever adds one has to change a list here, in a diff that is read.
"""

import ast
import inspect
import sys
from typing import Any

from copilot import ports
from integrations.company import load_company, shipped_company
from integrations.settings import (
    AccessSettings,
    DeviceSettings,
    DirectorySettings,
    Settings,
    SlackSettings,
    TicketSettings,
)
from policies.catalogue import load_catalogue
from tests.shape.sources import PACKAGES, modules, name_of

LIBRARIES = {
    "Stemmer", "aiohttp", "aiolimiter", "alembic", "authlib", "bm25s", "bs4", "cedarpy", "chromadb", "click", "confusable_homoglyphs", "dbos",
    "fastapi", "filelock", "httpx", "jinja2", "jsonpath", "kingfisher_sdk", "krippendorff", "langchain_core", "langgraph",
    "joserfc", "ldap3", "limits",
    "markdown_it", "markupsafe", "numpy", "onnx", "onnxruntime", "platformdirs", "presidio_analyzer",
    "prometheus_client", "py3langid", "pydantic", "pydantic_core", "pydantic_settings", "scipy",
    "sentence_transformers", "sklearn", "slack_bolt", "slack_sdk", "sqlalchemy", "starlette", "structlog",
    "tenacity", "threadpoolctl", "tokenizers", "torch", "tqdm", "transformers", "uvicorn", "yaml",
}  # fmt: skip
"""None of them administers identities, devices, mail, networks or clouds."""

REACHES_OUT = {
    "ctypes", "ftplib", "http", "imaplib", "multiprocessing", "nntplib", "poplib", "pty", "smtplib",
    "socketserver", "subprocess", "telnetlib", "webbrowser", "winreg", "xmlrpc",
}  # fmt: skip
"""Parts of the standard library with which another system or program could be driven."""

MAY_REACH_OUT = {
    # The command talks to its own server, and the benchmark to the vendors that a person names.
    # The company's directory and its device management are read over theirs, its sign-in is asked who somebody is.
    "httpx": {
        "integrations/remote.py",
        "evals/systems/http.py",
        "integrations/tickets/systems/calling.py",
        "integrations/access/oidc.py",
        "integrations/devices/http_devices.py",
        "integrations/directory/scim_directory.py",
    },
    "ldap3": {"integrations/directory/ldap_directory.py", "integrations/directory/ldap_pool.py"},
    "ssl": {"integrations/directory/ldap_pool.py", "integrations/directory/scim_directory.py"},
    "socket": {"integrations/commands/doctor.py", "integrations/commands/serve.py"},  # a free port
}
MAY_IMPORT_BY_NAME = {"evals/cli.py", "integrations/chat_models.py", "integrations/cli.py"}
MAY_START_A_PROGRAM = {"evals/systems/command.py", "integrations/commands/slack.py"}
"""The benchmark asks a program that a person names; the server starts its own command that takes Slack's deliveries."""
STARTS_PROGRAMS = ("system", "popen", "startfile", "exec", "spawn", "posix_spawn", "fork")

SECRETS_OF_SETTINGS = {
    "admin_groups", "app_token", "bot_token", "client_secret", "oidc_client_secret", "password", "signing_secret", "token",
    "token_days", "token_url", "webhook_secret",
}  # fmt: skip
"""Settings that hold a credential (or name its place): Slack's, those that read directory and devices, the one that writes tickets, and the one that signs people in. The record store's address may hold that of its own database."""

PORTS = {
    "Embedder": {"fingerprint", "embed_queries", "embed_in_context"},
    "Library": {"version", "search", "article", "sentences"},
    "Policy": {"version", "decide"},
    "Directory": {"person"},
    "Journal": {
        "begin", "finish", "plan_handoff", "handed_off", "unopened", "unfinished", "thread",
        "recent_threads", "note_feedback",
    },
    "Desk": {
        "open", "texts", "update", "resolve", "held", "open_case", "said", "claim", "release",
    },
}  # fmt: skip
"""All that the agent can do to the world: read people, record turns, write tickets."""


def imports() -> dict[str, set[str]]:
    """Every imported top-level name and the files that import it, also inside functions."""
    found: dict[str, set[str]] = {}
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            for name in _imported(node):
                found.setdefault(name.partition(".")[0], set()).add(name_of(path))
    return found


def _imported(node: ast.AST) -> tuple[str, ...]:
    if isinstance(node, ast.ImportFrom) and not node.level:
        return (node.module or "",)
    return tuple(name.name for name in node.names) if isinstance(node, ast.Import) else ()


def test_no_library_administers_anything() -> None:
    known = sys.stdlib_module_names | set(PACKAGES)
    assert {name for name in imports() if name not in known} - LIBRARIES == set()


def test_nothing_drives_another_system_or_program() -> None:
    found = imports()
    assert REACHES_OUT & set(found) == set()
    for name, allowed in MAY_REACH_OUT.items():
        assert found.get(name, set()) <= allowed, name
    # urllib is used to quote addresses, never to open them.
    named = {
        name
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        for name in _imported(node)
        if name.startswith("urllib")
    }
    assert named <= {"urllib.parse"}


def test_no_program_is_started_and_no_code_is_made() -> None:
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func)
            assert called not in ("eval", "exec", "__import__"), f"{name_of(path)}: {called}"
            if called.startswith("os."):
                ends = called.removeprefix("os.")
                assert not ends.startswith(STARTS_PROGRAMS), f"{name_of(path)}: {called}"
            if called.rpartition(".")[2] == "import_module":
                assert name_of(path) in MAY_IMPORT_BY_NAME, name_of(path)
            if "create_subprocess" in called:
                assert name_of(path) in MAY_START_A_PROGRAM, f"{name_of(path)}: {called}"


def test_no_setting_holds_a_credential() -> None:
    speaking = ("token", "secret", "password", "key", "credential", "tenant", "admin")
    held = {
        name
        for group in (
            AccessSettings,
            DeviceSettings,
            DirectorySettings,
            Settings,
            SlackSettings,
            TicketSettings,
        )
        for name, field in group.model_fields.items()
        if "Secret" in str(field.annotation) or set(name.split("_")) & set(speaking)
    }
    assert held == SECRETS_OF_SETTINGS


def test_the_ports_offer_nothing_but_reading_recording_and_tickets() -> None:
    offered = {
        name: {member for member in vars(port) if not member.startswith("_")}
        for name, port in vars(ports).items()
        if inspect.isclass(port) and port.__module__ == ports.__name__ and _is_protocol(port)
    }
    assert set(offered) <= set(PORTS) | {"Author"}
    for name, members in PORTS.items():
        assert offered[name] <= members, f"{name} offers {offered[name] - members}"


def _is_protocol(port: Any) -> bool:
    return bool(getattr(port, "_is_protocol", False))


def test_no_code_names_a_privileged_action() -> None:
    """What is not named can't be dispatched on: such actions live in the catalogue alone."""
    catalogue = load_catalogue(load_company(shipped_company()).actions)
    privileged = {
        action.id
        for action in catalogue.actions.values()
        if action.tier in ("privileged", "incident")
    }
    assert len(privileged) > 40
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = {getattr(node, key, None) for key in ("id", "attr", "name", "arg")}
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                names |= {node.value}
            assert not {n for n in names if isinstance(n, str)} & privileged, name_of(path)
