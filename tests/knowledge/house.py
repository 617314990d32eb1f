"""Small articles in the house format, for the tests of this folder."""

from collections.abc import Mapping
from pathlib import Path

BODY = {
    "In short": "The {subject} is fixed by restarting it. Wait 5 minutes after {subject} restarts.",
    "Symptoms": '- The {subject} shows "no signal".\n- Nothing happens when you press the button.',
    "Cause": "- **Sleep.** The {subject} fell asleep.\n- **Cable.** The cable of the {subject} is loose.",
    "Steps": "1. Unplug the {subject}.\n2. Wait ten seconds.\n3. Plug the {subject} in again.",
    "Good to know": "- Never open the {subject} yourself.",
    "Check that it worked": "- The light of the {subject} is green.",
    "If that does not help": "Note the colour of the light. IT passes it to service-desk.",
    "Who can help": "The service desk helps with the {subject}.",
}


def article_text(number: int, subject: str, body: Mapping[str, str] = BODY, /, **front: str) -> str:
    """An article about a thing; `front` replaces lines of the front matter."""
    keys = {
        "id": f"kb-{number:04}",
        "title": f"The {subject} does not start",
        "category": "devices",
        "subcategory": "broken",
        "audience": "[all_staff]",
        "platforms": "[any]",
        "regions": "[any]",
        "owner": "service-desk",
        "reviewed_on": "2026-06-01",
        "review_every_days": "365",
        "version": '"1"',
        "facts": "[]",
        "aliases": "{}",
        "label": "synthetic",
    }
    lines = [f"{key}: {value}" for key, value in (keys | front).items() if value]
    sections = [f"## {title}\n{text.format(subject=subject)}" for title, text in body.items()]
    return "\n".join(["---", *lines, "---", "", "\n\n".join(sections), ""])


def write_article(folder: Path, number: int, subject: str, **front: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{subject.replace(' ', '-')}.md"
    path.write_text(article_text(number, subject, BODY, **front), "utf-8")
    return path
