"""Which actions a message asks for: cues, training on a small set, and the whole product."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from copilot.understanding.classifier import Classifiers
from copilot.understanding.cues import cues
from copilot.understanding.recogniser import DECLINED, HARMLESS, TOPIC, Recogniser
from copilot.understanding.recogniser_training import Lessons, train_recogniser
from copilot.understanding.training import Sample, is_held_out
from tests.copilot.conftest import Ask

PEOPLE = ("my colleague", "her", "the new guy in sales", "my boss", "our trainee", "Ravi")
OWN = ("the printer", "my screen", "outlook", "the wifi", "my headset", "teams")
VERBS = ("unlock the account of", "reset the password of", "let back in", "open the login of")
TROUBLES = ("is slow today", "shows a grey window", "makes a noise", "stopped since lunch")
NOSY = ("where does {} live", "what is the home address of {}", "how much does {} earn")


def _words(texts: Sequence[str]) -> NDArray[np.float32]:
    """Unit vectors that carry nothing: these lessons are learnt from cues and words alone."""
    return np.full((len(texts), 4), 0.5, dtype=np.float32)


def _lessons() -> Lessons:
    asked = [Sample(f"please {v} {p}", "unlock_other") for v in VERBS for p in PEOPLE]
    always = [Sample(f"help, {p} lost a work laptop", f"{TOPIC}device.lost") for p in PEOPLE]
    nosy = [Sample(text.format(p), "private_facts") for text in NOSY for p in PEOPLE]
    plain = [Sample(f"{o} {t}", "none:topic:it") for o in OWN for t in TROUBLES]
    kinds = {
        "unlock_other": "other_person_credential",
        f"{TOPIC}device.lost": "lost_device",
        "private_facts": DECLINED,
        "none:topic:it": HARMLESS,
        "report_lost_device": "lost_device",
    }
    return Lessons((*asked, *always, *nosy, *plain), kinds, frozenset({"none:topic:it"}))


@pytest.fixture(scope="module")
def recogniser() -> Recogniser:
    return train_recogniser(_lessons(), _words, _words)[0]


def _seen(recogniser: Recogniser, text: str, **topics: float) -> list[str]:
    named = {name.replace("__", "."): p for name, p in topics.items()}
    return [
        seen.action for seen in recogniser.seen(text, _words([text])[0], named, _words([text])[0])
    ]


@pytest.mark.parametrize(
    ("cue", "text"),
    [
        ("person", "Meine Kollegin kommt nicht rein"),
        ("password", "j'ai perdu le mot de passe"),
        ("stolen", "me han robado el portátil"),
        ("bypass", "hoe omzeil ik de blokkade"),
        ("not_me", "that wasn’t me"),
        ("named_device", "wipe LAP-LDS-0071"),
        ("rule_question", "Is it allowed to turn off Defender?"),
    ],
)
def test_a_cue_is_found_in_the_language_it_is_written_in(cue: str, text: str) -> None:
    assert cues().present(text)[cues().names.index(cue)] == 1


def test_named_devices_need_their_capital_letters() -> None:
    assert cues().present("lap-lds-0071")[cues().names.index("named_device")] == 0


def test_a_request_for_somebody_else_is_seen_and_an_everyday_problem_is_not(
    recogniser: Recogniser,
) -> None:
    assert _seen(recogniser, "please unlock the login of my boss") == ["unlock_other"]
    assert _seen(recogniser, "the printer makes a noise today") == []


def test_what_is_declined_is_named_alone(recogniser: Recogniser) -> None:
    assert _seen(recogniser, "where does my boss live and what does he earn") == ["private_facts"]


def test_a_certain_topic_names_the_class_whose_queue_gets_the_case(recogniser: Recogniser) -> None:
    first = _seen(recogniser, "my boss lost a laptop", device__lost=0.95)[0]
    assert first == "report_lost_device"


def test_figures_come_from_texts_that_training_never_saw() -> None:
    _, trial = train_recogniser(_lessons(), _words, _words)
    assert trial.held_out
    assert all(is_held_out(sample.text) for sample in trial.held_out)


def test_the_same_lessons_give_the_same_recogniser(recogniser: Recogniser) -> None:
    again, _ = train_recogniser(_lessons(), _words, _words)
    for name, array in recogniser.arrays().items():
        assert np.array_equal(array, again.arrays()[name]), name


def test_it_is_kept_with_the_classifiers_and_reads_the_same_afterwards(
    recogniser: Recogniser, tmp_path: Path
) -> None:
    file = tmp_path / "classifiers.npz"
    Classifiers({}, frozenset(), "model", recogniser).save(file)
    kept = Classifiers.load(file).recogniser
    assert kept is not None
    text = "please unlock the login of my boss"
    before, after = (r.read(text, *_words([text, text])) for r in (recogniser, kept))
    assert after.mandatory == pytest.approx(before.mandatory, abs=1e-2)


def test_one_trained_with_other_cues_says_that_it_no_longer_fits(recogniser: Recogniser) -> None:
    assert recogniser.fits
    assert not replace(recogniser, cues="other").fits


def test_without_anything_mandatory_to_learn_nothing_is_escalated() -> None:
    plain = tuple(s for s in _lessons().samples if s.label == "none:topic:it")
    lessons = Lessons(plain, {"none:topic:it": HARMLESS}, frozenset({"none:topic:it"}))
    recogniser, _ = train_recogniser(lessons, _words, _words)
    assert _seen(recogniser, "please unlock the login of my boss") == []


@pytest.mark.parametrize(
    ("text", "queue"),
    [
        ("please unlock my colleague's account", "identity-desk"),
        (
            "my phone is gone for good and the authenticator with it, how do i get in",
            "identity-desk",
        ),
        ("i need local admin rights on my laptop", "iam-privileged"),
        ("i clicked the link in a phishing mail and typed my password", "security-operations"),
        ("mir wurde der laptop aus dem auto geklaut", "endpoint-security"),
        ("kan ik bij de mailbox van mijn zieke collega", "iam-privileged"),
    ],
)
async def test_what_only_people_may_decide_reaches_its_queue(
    ask: Ask, text: str, queue: str
) -> None:
    reply = await ask(text)
    assert reply.disposition == "escalate"
    assert reply.ticket is not None
    assert reply.ticket.queue == queue


async def test_a_request_inside_a_long_message_is_seen(ask: Ask) -> None:
    reply = await ask(
        "Good morning! The printer on the second floor has been leaving grey stripes on every page "
        "since Monday. Please reset the password for Anneke de Boer in Rotterdam. "
        "Also, what is the guest wifi code this week?"
    )
    assert "reset_password_other" in reply.policy.actions
