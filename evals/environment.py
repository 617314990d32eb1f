"""The one place of the benchmark that reads the environment.

It is read for the keys that a vendor's configuration names, and for whether there is a screen.
No settings class can list them, for their names stand in files that other people write. What is read is handed on as
plain values; nothing of it is kept in results.
"""

import os
import re
from collections.abc import Callable

Variables = Callable[[str], str | None]
"""The value of a variable, `None` where it is not set."""
_NAMED = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def variable(name: str) -> str | None:
    """A variable of this process."""
    return os.environ.get(name)  # noqa: TID251  # see above


def named_in(text: str) -> tuple[str, ...]:
    """The variables that a text names as `${NAME}`."""
    return tuple(dict.fromkeys(_NAMED.findall(text)))


def filled(text: str, values: dict[str, str]) -> str:
    """The text with its variables' values."""
    return _NAMED.sub(lambda found: values[found[1]], text)
