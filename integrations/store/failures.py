"""Say in a sentence what a failing database needs from the operator."""

from copilot.errors import StoreUnavailableError

_REMEDIES = (
    (
        ("is locked",),
        "is locked by another process. Stop that process, or try again in a moment.",
    ),
    (
        ("disk is full", "no space left", "disk full"),
        "can't be written: its disk is full. Free some space, then try again.",
    ),
    (
        ("disk i/o error",),
        "can't be written: its disk is full, over its quota or failing. Free some space or check the disk.",
    ),
    (
        ("not a database", "malformed", "database corruption"),
        "is damaged. Restore the file from a backup, or move it away to start with an empty record.",
    ),
    (
        ("readonly", "read-only"),
        "is read-only. Give this process the right to write to the file and its folder.",
    ),
    (
        ("unable to open",),
        "can't be opened. Check that its folder exists and that this process may write there.",
    ),
    (
        (
            "connection refused",
            "connection is bad",
            "could not connect",
            "connection failed",
            "server closed",
            "terminating",
        ),
        "does not answer. Check that the database server runs and that its address and password are right.",
    ),
    (
        ("no such table", "no such column", "does not exist"),
        "lacks a table or column that this version needs. Restore it from a backup, or point to another one.",
    ),
)


def unavailable(
    error: Exception, where: str, what: str = "The record store"
) -> StoreUnavailableError:
    """The error that crosses the port; `where` names the database, without its password."""
    said = str(getattr(error, "orig", None) or error).lower()
    for signs, remedy in _REMEDIES:
        if any(sign in said for sign in signs):
            return StoreUnavailableError(f"{what} {where} {remedy}")
    kind = type(getattr(error, "orig", None) or error).__name__
    return StoreUnavailableError(
        f"{what} {where} failed with {kind}. Check the database, then try again."
    )
