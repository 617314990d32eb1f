"""Companies for tests, made from the shipped one."""

import shutil
from pathlib import Path

import yaml

from integrations.company import load_company, shipped_company


def company_with_own_rules(folder: Path) -> Path:
    """The shipped company in `folder`, with a copy of its rules that a test may edit."""
    shipped = load_company(shipped_company())
    shutil.copytree(shipped_company(), folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    shutil.copytree(shipped.rules, folder / "rules")
    written = yaml.safe_load((folder / "company.yaml").read_text("utf-8"))
    written["paths"] = {
        "articles": str(shipped.articles),
        "utterances": str(shipped.utterances),
        "actions": str(shipped.actions),
        "rules": "rules",
        "directory": "directory.yaml",
    }
    (folder / "company.yaml").write_text(yaml.safe_dump(written), "utf-8")
    return folder
