"""The company that the copilot serves: a folder of files that experts edit. Nothing else names it."""

from collections.abc import Iterator, Mapping
from datetime import date, time
from pathlib import Path
from typing import Literal, Self, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from copilot.conversation import Priority
from copilot.hours import WorkingHours
from integrations.datafile import DataFile, DataFileError, Place, read
from integrations.tickets.promise import Promise

FILE = "company.yaml"
_FIRST_TOPICS = 6

Weekday = Literal["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
_WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Hours(Section):
    """When a place works, in its own time."""

    zone: str = "UTC"
    days: tuple[Weekday, ...] = Field(default=_WEEKDAYS, min_length=1)
    opens: time = time(0)
    closes: time = time.max

    @field_validator("opens", "closes", mode="before")
    @classmethod
    def _is_text(cls, moment: object) -> object:
        # YAML reads a bare 19:00 as the number 1140.
        if isinstance(moment, int | float):
            raise ValueError('The time is not in quotes. Write it like "19:00"')  # noqa: TRY004  # pydantic's way
        return moment

    @field_validator("zone")
    @classmethod
    def _exists(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(
                f"The time zone '{zone}' is unknown. Use a name like 'Europe/London'"
            ) from error
        return zone

    @model_validator(mode="after")
    def _opens_first(self) -> Self:
        if self.opens >= self.closes:
            raise ValueError(f"The desk closes at {self.closes} before it opens. Swap the times")
        return self

    def as_kept(self) -> WorkingHours:
        return WorkingHours(
            zone=ZoneInfo(self.zone),
            weekdays=frozenset(_WEEKDAYS.index(day) for day in self.days),
            opens=self.opens,
            closes=self.closes,
        )


class Profile(Section):
    """Who the company is, as employees are told."""

    name: str = Field(min_length=1)
    domain: str
    employees: int | None = None
    sites: tuple[str, ...] = ()
    service_desk_hours: str = ""
    """The hours in words, as employees read them."""
    it_bar: dict[str, str] = Field(default_factory=dict)
    security_hotline: dict[str, str] = Field(default_factory=dict)
    stack: dict[str, str | dict[str, str] | tuple[str, ...]] = Field(default_factory=dict)


class Paths(Section):
    """Where the parts of the company are, from the company's folder."""

    articles: Path = Path("articles")
    utterances: Path = Path("utterances")
    actions: Path = Path("policies/actions")
    rules: Path = Path("policies/rules")
    cases: Path = Path("policies/cases")
    sentences: Path = Path("policies/sentences")
    directory: Path = Path("directory.yaml")


class Company(Section):
    """`company.yaml` as read and checked."""

    folder: Path
    """Set by the loader; the paths start here."""
    company: Profile
    label: str | None = None
    """What kind of data this is, for example `synthetic`."""
    demo_clock: date | None = None
    """The day on which the shipped articles are current; the demonstration and tests take it as today."""
    paths: Paths = Paths()
    queues: dict[str, str] = Field(min_length=1)
    """Where a handoff can go, with what the queue is for."""
    default_queue: str
    """Takes what no other queue owns."""
    sla: dict[Priority, str]
    """The promise of each priority, as employees read it: `15 minutes`, `8 working hours`."""
    desk_hours: Hours = Hours()
    """When the service desk works; promises in working time are counted in these."""
    site_hours: dict[str, Hours] = Field(default_factory=dict)
    """When people work, by site, in its own time; a site that is not named keeps the desk's hours."""
    facts: dict[str, str] = Field(default_factory=dict)
    forms: tuple[str, ...] = ()
    categories: dict[str, tuple[str, ...]] = Field(min_length=1)
    """The subcategories of each category: the labels everywhere."""
    choices: dict[str, str] = Field(default_factory=dict)
    """What a clarifying question shows for a `category.subcategory`."""
    lockout_labels: tuple[str, ...] = ()
    """Labels that count as a lockout of the account."""
    out_of_scope: tuple[str, ...] = ()
    """Labels of questions that are not the service desk's."""
    person_labels: tuple[str, ...] = ()
    """Labels of messages that ask for a person."""
    status_labels: tuple[str, ...] = ()
    """Labels of questions about a case."""
    topics: dict[str, dict[str, str]] = Field(default_factory=dict)
    """What the question "What is it about?" offers: categories with their words by language, `en` at least.
    Without any, the first categories are offered by their own words."""
    always_escalated: tuple[str, ...] = ()
    """Labels of which every message must reach people, whatever it asks."""
    applications: dict[str, str] = Field(default_factory=dict)
    """Application that a category is about, as devices in the directory name it."""
    lockdown: bool = False
    """Sends every account-recovery case to people."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Every `category.subcategory`, in the file's order."""
        return tuple(f"{name}.{sub}" for name, subs in self.categories.items() for sub in subs)

    @property
    def promises(self) -> Mapping[Priority, Promise]:
        return {priority: Promise.parse(text) for priority, text in self.sla.items()}

    @property
    def shown_choices(self) -> Mapping[str, str]:
        """The choice of every label; a label that has none is shown by its own words."""
        return {label: self.choices.get(label) or _words(label) for label in self.labels}

    @property
    def shown_topics(self) -> Mapping[str, Mapping[str, str]]:
        """The categories of the opening question; without any of the company's own, its first ones."""
        beside = {*self.person_labels, *self.status_labels, *self.out_of_scope}
        return self.topics or {
            name: {"en": name.replace("_", " ")}
            for name, subs in list(self.categories.items())[:_FIRST_TOPICS]
            if not {f"{name}.{sub}" for sub in subs} & beside
        }

    @property
    def articles(self) -> Path:
        return self._at(self.paths.articles)

    @property
    def utterances(self) -> Path:
        return self._at(self.paths.utterances)

    @property
    def actions(self) -> Path:
        return self._at(self.paths.actions)

    @property
    def rules(self) -> Path:
        return self._at(self.paths.rules)

    @property
    def cases(self) -> Path:
        """Decision cases, for `copilot policy test`; serving does not need them."""
        return self._at(self.paths.cases)

    @property
    def sentences(self) -> Path:
        """Translations of what the policies say; a company without any is answered in English."""
        return self._at(self.paths.sentences)

    @property
    def directory(self) -> Path:
        return self._at(self.paths.directory)

    def _at(self, path: Path) -> Path:
        return (self.folder / path).resolve()


def shipped_company() -> Path:
    """The folder of the reference company, which comes with the product."""
    return Path(__file__).with_name("sandbox")


def load_company(folder: Path) -> Company:
    """Read `company.yaml` of a folder. Raises `DataFileError` with every problem at once."""
    file = read(folder / FILE)
    content = file.content
    if not isinstance(content, dict):
        raise DataFileError(
            [file.problem((), "The file holds no keys. See the shipped company's.")]
        )
    if "folder" in content:
        raise DataFileError([file.problem(("folder",), "The key is unknown. Remove it.")])
    with_folder = DataFile(file.path, {**content, "folder": folder}, file.lines)
    company = with_folder.read_as(Company)
    problems = [file.problem(place, message) for place, message in _faults(company)]
    if problems:
        raise DataFileError(problems)
    return company


def _faults(company: Company) -> Iterator[tuple[Place, str]]:
    """What is well formed and still wrong."""
    if company.default_queue not in company.queues:
        yield ("default_queue",), f"The queue '{company.default_queue}' is not one of `queues`."
    yield from _sla_faults(company)
    yield from _label_faults(company)
    yield from _category_faults(company)
    for site in company.site_hours:
        if site not in company.company.sites:
            yield ("site_hours", site), f"The site '{site}' is not one of `company.sites`. Add it."
    # The directory may be the company's own; the file is looked for where it is read.
    for name in ("articles", "utterances", "actions", "rules"):
        if not (path := getattr(company, name)).exists():
            yield ("paths", name), f"There is nothing at {path}. Correct the path."


def _sla_faults(company: Company) -> Iterator[tuple[Place, str]]:
    for priority in get_args(Priority):
        if priority not in company.sla:
            yield ("sla",), f"The promise of {priority} is missing. Add it."
    for priority, text in company.sla.items():
        try:
            Promise.parse(text)
        except ValueError as error:
            yield ("sla", priority), str(error)


def _label_faults(company: Company) -> Iterator[tuple[Place, str]]:
    labels = set(company.labels)
    if len(labels) != len(company.labels):
        yield ("categories",), "A subcategory is there twice in one category. Keep one."
    named: Iterator[tuple[Place, str]] = iter(
        [
            *((("choices", label), label) for label in company.choices),
            *((("lockout_labels", n), label) for n, label in enumerate(company.lockout_labels)),
            *((("out_of_scope", n), label) for n, label in enumerate(company.out_of_scope)),
            *((("person_labels", n), label) for n, label in enumerate(company.person_labels)),
            *((("status_labels", n), label) for n, label in enumerate(company.status_labels)),
            *((("always_escalated", n), label) for n, label in enumerate(company.always_escalated)),
        ]
    )
    for place, label in named:
        if label not in labels:
            yield (
                place,
                f"The label '{label}' is not one of `categories`. Write 'category.subcategory'.",
            )


def _category_faults(company: Company) -> Iterator[tuple[Place, str]]:
    keyed: tuple[tuple[str, Mapping[str, object]], ...] = (
        ("applications", company.applications),
        ("topics", company.topics),
    )
    for key, named in keyed:
        for category in named:
            if category not in company.categories:
                text = f"The category '{category}' is not one of `categories`."
                yield (key, category), text
    for category, words in company.topics.items():
        if "en" not in words:
            yield ("topics", category), "The English words are missing. Add `en`."


def _words(label: str) -> str:
    category, _, subcategory = label.partition(".")
    return f"{category}: {subcategory}".replace("_", " ")
