"""Reading a message: undoing disguises, cutting it up, finding what was tried."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot.understanding.attempts import attempted_steps
from copilot.understanding.normalise import normalise
from copilot.understanding.segments import MAX_SEGMENTS, enumerated, segments

WORDS = frozenset({"password", "reset", "admin", "authenticator", "colleague"})


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        ("res\u200bet my pass\u200dword", "reset my password"),
        ("ｒｅｓｅｔ my password", "reset my password"),
        ("reset my p4ssw0rd", "reset my password"),
        ("r e s e t my password", "reset my password"),
        ("reset my раssword", "reset my password"),
    ],
)
def test_disguised_words_are_read_as_a_person_sees_them(raw: str, read: str) -> None:
    cleaned = normalise(raw, WORDS)
    assert cleaned.text == read
    assert cleaned.disguised


@pytest.mark.parametrize(
    "text",
    ["error 0x80070005 on LAP-LDS-0412", "KB5031354 fails, code 691", "версия 5.1.6 не работает"],
)
def test_codes_names_and_other_scripts_stay_as_they_are(text: str) -> None:
    assert normalise(text, WORDS).text == text


def test_quoted_mail_is_kept_apart_from_the_persons_own_words() -> None:
    cleaned = normalise(
        "is this real?\n\nFrom: it@evil.example\nSent: Monday\nsend us your password"
    )
    assert cleaned.text == "is this real?"
    assert "send us your password" in cleaned.quoted


def test_pasted_errors_are_found() -> None:
    cleaned = normalise('vpn says "certificate validation failure" and 0x80070005')
    assert cleaned.error_messages == ("certificate validation failure", "0x80070005")


@given(st.text(max_size=300))
def test_any_text_can_be_read(text: str) -> None:
    cleaned = normalise(text, WORDS)
    assert "\u200b" not in cleaned.text
    assert len(segments(cleaned.text)) <= MAX_SEGMENTS


def test_a_message_is_cut_at_sentences_and_at_second_requests() -> None:
    assert segments("The vpn is down since noon. Also can you tell me how to add a printer?") == (
        "The vpn is down since noon.",
        "Also can you tell me how to add a printer?",
    )


@pytest.mark.parametrize(
    "text",
    [
        "I already restarted it twice and it is still broken",
        "hab schon neu gestartet, geht nicht",
        "heb al opnieuw opgestart maar niks",
        "j'ai déjà redémarré le portable",
        "ya he reiniciado el portátil",
    ],
)
def test_what_was_tried_is_found_in_each_language(text: str) -> None:
    (step,) = attempted_steps(text)
    assert step.outcome == "failed"
    assert step.source == "employee"


def test_asking_how_to_do_something_is_no_attempt() -> None:
    assert attempted_steps("how do i reset my password") == ()


def test_a_step_that_helped_is_said_so() -> None:
    steps = attempted_steps("I restarted it and that worked")
    assert [step.outcome for step in steps] == ["worked"]


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("Hi! 1) vpn drops at home 2) printer jam", ("vpn drops at home", "printer jam")),
        (
            "two things:\n1. outlook finds nothing\n2. teams has no sound\nthanks",
            ("outlook finds nothing", "teams has no sound\nthanks"),
        ),
        ("error 13. Then it reboots", ()),
        ("step 2) fails, what now", ()),
        ("since version 1. 5 it crashes", ()),
    ],
)
def test_numbered_questions_are_told_apart(text: str, items: tuple[str, ...]) -> None:
    assert enumerated(text) == items
