"""Refresh the shipped vectors after an article, utterance or action was edited: `make vectors`."""

import sys

from integrations.company import load_company, shipped_company
from integrations.indexing import gather, training_texts
from integrations.settings import Settings
from knowledge.bundle import bundle
from knowledge.embedding import find_model
from policies.catalogue import load_catalogue


def _tell(step: str, done: int, total: int) -> None:
    sys.stderr.write(f"{step}: {done} of {total}\n")


def main() -> None:
    settings = Settings()
    company = load_company(shipped_company())
    material = gather(
        company, load_catalogue(company.actions), target_precision=settings.target_precision
    )
    done = bundle(
        find_model(settings.models_dir, settings.embedding_model),
        [company.articles],
        training_texts(material),
        progress=_tell,
    )
    sys.stderr.write(f"{done.texts} texts, {done.embedded} embedded, {done.dropped} dropped\n")


if __name__ == "__main__":
    main()
