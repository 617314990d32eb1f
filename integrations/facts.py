"""What the agent knows of the company: from its configuration, its policies and its articles."""

from copilot.company import CompanyFacts
from integrations.company import Company
from knowledge.search import Library
from policies.engine import Policies
from policies.sentences import load_sentences


def company_facts(
    profile: Company, policies: Policies, library: Library | None, *, lockdown: bool = False
) -> CompanyFacts:
    """What the agent knows of the company, from its configuration and its articles, if any."""
    catalogue = policies.catalogue
    owners: dict[str, str] = {}
    if library is not None:
        for card in library.cards:
            label = f"{card.category}.{card.subcategory}"
            if label not in owners:
                owners[label] = library.article(card.id).owner
    shown = profile.shown_choices
    return CompanyFacts(
        name=profile.company.name,
        default_queue=profile.default_queue,
        sla=profile.sla,
        hotline=profile.company.security_hotline,
        choices={label: text for label, text in shown.items() if label in owners},
        owners=owners,
        relations={action: catalogue.relation_of(action) for action in catalogue.actions},
        class_actions={
            a.id: a.mandatory_class for a in catalogue.actions.values() if a.mandatory_class
        },
        action_titles={a.id: a.title for a in catalogue.actions.values()},
        action_labels={a.id: a.subcategory for a in catalogue.actions.values()},
        lockout_labels=frozenset(profile.lockout_labels),
        out_of_scope=frozenset(profile.out_of_scope),
        person_labels=frozenset(profile.person_labels),
        status_labels=frozenset(profile.status_labels),
        topics=profile.shown_topics,
        sentences=load_sentences(profile.sentences, policies),
        service_hours=profile.company.service_desk_hours,
        desk_hours=profile.desk_hours.as_kept(),
        site_hours={site: hours.as_kept() for site, hours in profile.site_hours.items()},
        lockdown=lockdown or profile.lockdown,
        applications=profile.applications,
        forms=frozenset(profile.forms),
    )
