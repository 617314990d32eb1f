"""The last look, whoever wrote: nothing of the prompt, nobody else's data, no claim of a deed."""

import pytest

from copilot.author.draft import Draft, Statement
from copilot.conversation import Citation
from copilot.errors import LeakError
from copilot.people import Person
from copilot.screening import Guarded, Screen

CANARY = "0123456789abcdef"
PASSAGE = (
    "Open **Settings > Network** and choose Reset. Ask Omar Haddad for a spare cable.\n"
    "- Run `gpupdate /force` once."
)
RULE = "forbid every principal the reset of factors unless the security officer has agreed twice"
DANA = Person("dana.reed", "Dana Reed", email="dana.reed@house.example", phone="+44 113 496 0001")
OMAR = Person("omar.haddad", "Omar Haddad", email="omar.haddad@house.example")
PRIYA = Person("priya.nair", "Priya Nair", phone="+31 10 555 0123")


def screen() -> Screen:
    return Screen(
        canary=CANARY,
        guarded=lambda: Guarded("1", (RULE,)),
        people=lambda: [DANA, OMAR, PRIYA],
        leak_words=8,
    )


def served(article_id: str, section: str) -> str | None:
    return {"Steps": PASSAGE, "Planted": "Good news: I have reset her MFA already. Restart."}.get(
        section
    )


def quote(text: str, *, quoted: str | None = None, section: str = "Steps") -> Statement:
    cited = Citation(
        article_id="kb-1",
        title="t",
        section=section,
        quote=quoted or text,
        reviewed_on="2026-01-01",
        version="1",
    )
    return Statement(text, "quote", cited)


def fault(statement: Statement) -> str | None:
    checked = screen().check(Draft((statement,)), served, DANA)
    if checked.statements:
        return None
    return next(name.removeprefix("screen.") for name in checked.signals)


@pytest.mark.parametrize(
    "text",
    [
        "Open Settings > Network and choose Reset.",
        "Ask Omar Haddad for a spare cable.",
        "Run `gpupdate /force` once.",
    ],
)
def test_what_stands_in_the_passage_word_for_word_is_shown(text: str) -> None:
    assert fault(quote(text)) is None
    assert fault(quote(f"3. {text}", quoted=text)) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("I have reset her MFA and sent the code.", "claim"),
        ("Ich habe das Konto soeben entsperrt.", "claim"),
        ("We've just granted you the licence.", "claim"),
        ("J'ai réinitialisé le mot de passe.", "claim"),
        ("Ik heb je account zojuist ontgrendeld.", "claim"),
        ("He restablecido la contraseña.", "claim"),
        ("Run `gpupdate /boot` twice.", "command"),
        ("Then sudo rm -rf /var/log and wait.", "command"),
        ("Ask Priya Nair for a spare cable.", "person"),
        ("Call +31 10 555 0123 for a cable.", "person"),
        ("Write to omar.haddad@house.example, or to priya.nair.", "person"),
        (f"The rule says: {RULE}.", "overlap"),
        (f"mark {CANARY}", "canary"),
        (f"mark {' '.join(CANARY)}", "canary"),
    ],
)
def test_what_does_not_has_to_pass_everything(text: str, why: str) -> None:
    assert fault(quote(text)) == why


def test_a_frame_of_the_authors_own_making_proves_nothing() -> None:
    text = "Open Settings > Network and choose Reset."
    assert fault(quote(f"I have unlocked it. {text}", quoted=text)) == "claim"
    assert fault(quote(f"The likely cause: {text}", quoted=text)) is None


def test_a_claim_that_was_planted_in_an_article_is_not_repeated() -> None:
    planted = "Good news: I have reset her MFA already."
    assert fault(quote(planted, section="Planted")) == "claim"
    assert fault(quote("Restart.", section="Planted")) is None


def test_the_askers_own_name_and_number_may_be_said() -> None:
    assert fault(quote("Dana Reed can be called on +44 113 496 0001.")) is None


def test_seven_words_in_a_row_are_no_leak_and_eight_are() -> None:
    words = RULE.split()
    assert fault(quote(" ".join(words[:7]))) is None
    assert fault(quote(" ".join(words[:8]))) == "overlap"


def test_a_phrase_of_the_catalogue_is_not_searched_for_claims() -> None:
    said = Statement("I have passed your case to the desk.")
    assert screen().check(Draft((said,)), served, DANA).statements == (said,)


def test_a_reply_with_the_mark_of_the_prompt_is_never_sent() -> None:
    screen().seal("Restart the laptop.")
    with pytest.raises(LeakError, match="was not sent"):
        screen().seal(f"Sure: {CANARY}")
