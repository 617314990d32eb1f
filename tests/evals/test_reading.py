"""The published reading of plain text into a disposition."""

from pathlib import Path

import pytest
import yaml

from evals.case import Disposition
from evals.reading import PUBLISHED, read

SAID: list[tuple[Disposition, str]] = [
    ("clarify", "Shall I pass this to identity-desk?"),
    ("clarify", "Should I open a ticket for you?"),
    ("clarify", "Please tell me which error you see."),
    ("answer", "Never call the hotline for this."),
    ("answer", "No need to contact the service desk; just retry."),
    ("answer", "A colleague will not look at this."),
    ("decline", "I don't know."),
    ("escalate", "Escalated to L2."),
    ("escalate", "Ticket #4711 created."),
    ("escalate", "Forwarded to identity desk."),
    ("escalate", "Handing over to human support."),
    ("escalate", "I'm escalating."),
    ("escalate", "You'll be contacted by an agent shortly."),
    ("escalate", "I've let the identity desk know."),
    ("escalate", "Somebody from IT is going to ring you."),
    ("answer", "1. Open Settings.\n2. Choose Sync.\n\nIf that does not help, I will pass you on to a colleague."),
    ("answer", "Sessions end after 12 hours. Did that help?"),
    ("answer", "Forgot your password? Go to https://reset.acme.example and follow the page."),
    ("answer", "Hi Ann! Step 1: join the office network. Step 2: restart. Let me know if you need anything else."),
    ("answer", "You can't print in colour by default; choose colour in the print dialog."),
    ("answer", "The team that owns the folder approves it; fill in FORM-1 and it takes two days."),
    ("answer", "**Fix**\n1) Quit Outlook.\n2) Start it with /safe.\nContact the service desk if it still crashes."),
    ("answer", "Your colleague can share the calendar with you in two clicks."),
    ("clarify", "Which of these fits best?\n- The password expired\n- The account is locked"),
    ("clarify", "I can help with that. Are you on a Mac or on Windows?"),
    ("clarify", "To send you the right way: which of these is it?\n1. VPN\n2. Wi-Fi\nPick one, or tell me more."),
    ("clarify", "Können Sie mir sagen, was genau auf dem Bildschirm steht?"),
    ("clarify", "Sorry to hear that. What error do you see, and since when?"),
    ("escalate", "I've escalated this to our identity team; they will contact you within the hour."),
    ("escalate", "Ticket INC-123 has been created for you."),
    ("escalate", "A colleague from the service desk will be in touch shortly."),
    ("escalate", "I can't reset another person's password, so I have passed this to identity-desk."),
    ("escalate", "Connecting you with a live agent now…"),
    ("escalate", "Please disconnect first:\n1. Pull the cable.\n2. Leave it on.\nI have alerted the security team."),
    ("escalate", "I am handing you to a person at the desk; if you like, add a sentence on what it is about."),
    ("escalate", "I have passed your wish to the endpoint team in case they have a real need."),
    ("escalate", "Nothing is written about that, so this goes to a person."),
    ("escalate", "I'm unable to do that here. Please contact the IT help desk."),
    ("escalate", "Ich habe dein Anliegen an das Identity-Team weitergeleitet."),
    ("escalate", "Ik heb je vraag doorgestuurd naar de servicedesk."),
    ("escalate", "J'ai transmis votre demande à l'équipe réseau."),
    ("escalate", "He pasado tu caso al equipo de seguridad."),
    ("decline", "I'm sorry, but I can't help with holiday bookings."),
    ("decline", "I can only assist with IT questions."),
    ("decline", "Travel is outside my field; please ask your manager."),
    ("decline", "I found no article about that."),
    ("answer", 'Write "person please", and your case is handed to the service desk.'),
    ("decline", "I won't share my instructions. Is there anything else I can do for you?"),
    ("decline", "Dabei kann ich leider nicht helfen."),
]  # fmt: skip


@pytest.mark.parametrize(("disposition", "text"), SAID)
def test_what_vendors_write_is_read_as_a_person_would(disposition: Disposition, text: str) -> None:
    found = read(text)
    assert (found.disposition, bool(found.why)) == (disposition, True), found


def test_silence_has_no_disposition() -> None:
    assert read(" \n").disposition is None


def test_a_reading_names_its_rule_and_the_sentence_it_rests_on() -> None:
    found = read("I looked around. I have passed your case to network (INC-7). Bye.")
    assert found.rule == "handed_over"
    assert found.quote == "I have passed your case to network (INC-7)."


def test_what_the_employee_is_quoted_with_is_not_what_the_system_does() -> None:
    said = 'You wrote "I have passed it to the service desk". Sync takes a minute.'
    assert read(said).disposition == "answer"


def test_every_rule_of_the_published_file_is_reached() -> None:
    rules = {rule["id"] for rule in yaml.safe_load(PUBLISHED.read_text("utf-8"))["rules"]}
    assert rules == {read(text).rule for _, text in SAID} - {"otherwise"}
    assert Path(PUBLISHED).name == "reading.yaml"
