"""The chat model that the settings name: found by its import path, or one of the scripted ones."""

from importlib import import_module
from typing import TYPE_CHECKING

from copilot.errors import ChatModelError

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

SCRIPTED = {
    "scripted-hostile": "copilot.testing.hostile:HostileModel",
    "scripted-honest": "copilot.testing.honest:HonestModel",
}
_HOW = (
    "Set COPILOT_CHAT_MODEL to `module:factory`, the import path of something that is called without "
    "arguments and returns a LangChain chat model, to scripted-hostile or scripted-honest, or leave it out."
)


def chat_model(name: str) -> "BaseChatModel":
    """Raises `ChatModelError` that says what is wrong with the name or with what stands behind it."""
    from langchain_core.language_models import BaseChatModel

    module, _, factory = SCRIPTED.get(name, name).partition(":")
    if not module or not factory:
        raise ChatModelError(f"'{name}' names no chat model. {_HOW}")
    try:
        made = getattr(import_module(module), factory)()
    except ModuleNotFoundError as error:
        raise ChatModelError(f"There is no module '{error.name}' for '{name}'. {_HOW}") from error
    except AttributeError as error:
        raise ChatModelError(f"The module '{module}' has no usable '{factory}'. {_HOW}") from error
    except Exception as error:  # a factory raises whatever its provider's package raises
        raise ChatModelError(
            f"'{name}' failed with {type(error).__name__}. Call it in a Python session to see why."
        ) from error
    if not isinstance(made, BaseChatModel):
        raise ChatModelError(f"'{name}' returns a {type(made).__name__}, no chat model. {_HOW}")
    return made
