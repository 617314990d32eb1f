"""Everything that can go wrong, split by who must act.

CopilotError
├── InquiryError            the asker: the message says what was wrong and what to do
│   ├── InquiryConflictError    the same id with another text
│   ├── ForeignThreadError      somebody else's conversation
│   ├── UnknownUserError        nobody of that id in the directory
│   ├── UnknownInquiryError     feedback on an inquiry that is not known
│   └── UnknownThreadError      reading a conversation that does not exist
└── OutageError             the operator: a part fails; the employee gets a person, not a trace
    ├── StoreUnavailableError
    ├── LibraryUnavailableError
    ├── PolicyUnavailableError
    ├── DeskUnavailableError
    ├── DirectoryUnavailableError
    ├── LeakError               a reply held what no reply may hold; it was not sent
    └── ChatModelError          the chat model of the settings can't be had
"""


class CopilotError(Exception):
    """The root; its text is a sentence that says what was wrong and what to do."""


class InquiryError(CopilotError):
    """The asker can mend this."""


class InquiryConflictError(InquiryError):
    """The inquiry's id was used before for another message."""


class ForeignThreadError(InquiryError):
    """The thread belongs to somebody else."""


class UnknownUserError(InquiryError):
    """The directory knows nobody of that id."""


class UnknownInquiryError(InquiryError):
    """No inquiry of that id was ever asked."""


class UnknownThreadError(InquiryError):
    """No conversation of that id exists."""


class OutageError(CopilotError):
    """A part the copilot depends on fails; the operator must act."""


class StoreUnavailableError(OutageError):
    """The record store can't be read or written."""


class LibraryUnavailableError(OutageError):
    """The knowledge index is missing, damaged or owned by another process."""


class PolicyUnavailableError(OutageError):
    """The policy layer can't be loaded or failed."""


class DeskUnavailableError(OutageError):
    """The ticket desk did not take the case."""


class DirectoryUnavailableError(OutageError):
    """The company's directory can't be asked who somebody is."""


class LeakError(OutageError):
    """A reply held the mark of the prompt."""


class ChatModelError(OutageError):
    """The chat model that the settings name can't be had; nothing starts without it."""
