"""A company is a folder of files; what is wrong in its profile is listed at once."""

from datetime import date
from pathlib import Path

import pytest
import yaml

from copilot.hours import WorkingHours
from integrations.company import load_company, shipped_company
from integrations.datafile import DataFileError

SMALL = """\
company: {name: Small Co, domain: small.example}
queues: {desk: everything}
default_queue: desk
sla: {P1: 15 minutes, P2: 1 hour, P3: 1 working day, P4: 3 days}
categories: {mail: [lost, full]}
"""


def folder(tmp_path: Path, text: str) -> Path:
    for name in ("articles", "utterances", "policies/actions", "policies/rules"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "directory.yaml").write_text("people: []\n")
    (tmp_path / "company.yaml").write_text(text)
    return tmp_path


def faults(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(DataFileError) as said:
        load_company(folder(tmp_path, text))
    return [problem.removeprefix(f"{tmp_path}/company.yaml:") for problem in said.value.problems]


def test_a_small_company_needs_few_lines_and_has_its_parts_in_its_folder(tmp_path):
    company = load_company(folder(tmp_path, SMALL))
    assert company.labels == ("mail.lost", "mail.full")
    assert company.shown_choices["mail.lost"] == "mail: lost"
    assert company.rules == tmp_path / "policies" / "rules"
    assert company.desk_hours.as_kept().weekdays == WorkingHours().weekdays
    assert company.promises["P2"].amount == 1


def test_everything_wrong_is_listed_at_once(tmp_path):
    text = (
        SMALL.replace("queue: desk", "queue: help")
        .replace("1 hour", "soon")
        .replace(", P4: 3 days", "")
    )
    text += "choices: {mail.gone: Gone}\napplications: {printer: X}\nout_of_scope: [chat]\n"
    text += "paths: {articles: nowhere}\n"
    assert faults(tmp_path, text) == [
        "3: default_queue: The queue 'help' is not one of `queues`.",
        "4: sla: The promise of P4 is missing. Add it.",
        (
            "4: sla.P2: The promise 'soon' can't be read. Write it like '15 minutes', '8 working hours' or "
            "'3 working days'."
        ),
        (
            "6: choices.mail.gone: The label 'mail.gone' is not one of `categories`. Write "
            "'category.subcategory'."
        ),
        "8: out_of_scope.0: The label 'chat' is not one of `categories`. Write 'category.subcategory'.",
        "7: applications.printer: The category 'printer' is not one of `categories`.",
        f"9: paths.articles: There is nothing at {tmp_path}/nowhere. Correct the path.",
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("desk_hours: {closes: 19:00}", 'The time is not in quotes. Write it like "19:00"'),
        (
            "desk_hours: {zone: Mars/Olympus}",
            "The time zone 'Mars/Olympus' is unknown. Use a name like",
        ),
        (
            'desk_hours: {opens: "19:00", closes: "07:00"}',
            "The desk closes at 07:00:00 before it opens.",
        ),
        ("desk_hours: {days: []}", "Tuple should have at least 1 item"),
        ("folder: /etc", "6: folder: The key is unknown. Remove it."),
        ("colour: blue", "6: colour: The key is unknown. Check its spelling or remove it."),
    ],
)
def test_a_wrong_line_is_said(tmp_path, line, said):
    (fault,) = faults(tmp_path, f"{SMALL}{line}\n")
    assert said in fault


def test_a_list_is_no_company(tmp_path):
    (fault,) = faults(tmp_path, "- a\n")
    assert "The file holds no keys" in fault


def test_a_subcategory_that_is_there_twice_is_a_fault(tmp_path):
    (fault,) = faults(tmp_path, SMALL.replace("[lost, full]", "[lost, lost]"))
    assert "A subcategory is there twice" in fault


def test_the_shipped_company_is_whole():
    company = load_company(shipped_company())
    assert (company.label, company.default_queue) == ("synthetic", "service-desk")
    assert company.demo_clock == date(2026, 11, 22)
    assert (len(company.labels), len(company.facts), len(company.queues)) == (77, 73, 10)
    assert set(company.choices) == set(company.labels)
    assert company.articles.name == "articles"


def test_every_form_and_queue_that_a_fact_names_exists():
    company = load_company(shipped_company())
    facts = " ".join(company.facts.values())
    named = {word.strip(".,;()") for word in facts.split() if word.startswith("FORM-")}
    assert named <= set(company.forms)


def test_the_shipped_choices_differ():
    shown = yaml.safe_load((shipped_company() / "company.yaml").read_text())["choices"].values()
    assert len(set(shown)) == len(shown)
