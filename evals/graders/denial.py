"""Whether a sentence states a word that it mentions, denies it, or leaves that open.

English, German, Dutch, French and Spanish. Closed classes of words only: negators, conjunctions and
the predicates of need and leave; no word of any topic.
"""

import re
from typing import Literal

Standing = Literal["stated", "open", "denied"]

_REACH = 200
"""Characters looked at before a mention: a sentence is rarely longer."""
_CLOSE, _FAR, _NEAR, _LIST_WORDS = 6, 12, 3, 4


def _words(*names: str) -> str:
    return r"(?<!\w)(?:" + "|".join(names) + r")(?!\w)"


_HARD = re.compile(
    r"[.!?](?=\s|$)|[;:()]|\s[\u2014-]\s|\u2014|\n|"
    + _words(
        *(
            "but",
            "because",
            "since",
            "so",
            "until",
            "unless",
            "before",
            "except",
            "then",
            "however",
        ),
        *("sondern", "aber", "weil", "damit", "bis", "bevor", "außer", "sonst", "dann"),
        *("maar", "omdat", "totdat", "tot", "voordat", "behalve", "anders"),
        *("mais", "parce", "car", "sauf", "jusqu'à", "jusqu'au", "avant", "sinon"),
        *("pero", "sino", "porque", "salvo", "hasta", "antes", "entonces"),
    )
)
_DIRECTIVE = (
    _words(
        *("do not", "don't", "dont", "never", "must not", "mustn't", "should not", "shouldn't"),
        *("can't use", "cannot use", "can not use", "refuse to", "doubt", "at all costs, to"),
        *("wrong that", "false that", "incorrect that", "untrue that", "a myth that"),
        *("not true that", "not the case that", "skip the advice to"),
        *("wrong to", "a mistake to", "bad idea to", "forbidden to"),
        *("falsch, dass", "stimmt nicht, dass", "klopt niet dat", "faux que", "falso que"),
        *("need not", "needn't", "not to", "no need", "may not", "neither", "nor"),
        *("niemals", "nie", "keinesfalls", "keine", "kein", "keinen", "keinem", "keiner", "weder"),
        *("nooit", "geen", "noch"),
        *("ne", "jamais", "aucun", "aucune", "ni", "inutile de", "pas besoin"),
        *("nunca", "jamás", "ningún", "ninguna", "ninguno"),
        *("nicht", "niet", "pas"),
    )
    + r"|(?<!\w)n'(?=\w)"
)
_DESCRIBING = _words(
    *("does not", "doesn't", "doesnt", "did not", "didn't", "cannot", "can't", "cant", "can not"),
    *("could not", "couldn't", "won't", "wont", "will not", "would not", "wouldn't"),
    *("has not", "hasn't", "have not", "haven't", "had not", "hadn't", "unable to"),
    *("is not", "isn't", "isnt", "are not", "aren't", "was not", "wasn't", "were not", "weren't"),
    *("not", "nobody", "no one", "nothing", "none of", "no longer"),
    *("niemand", "nadie", "personne"),
)
_LOCAL = _words(
    *("without", "instead of", "rather than", "avoid", "avoiding", "refrain from"),
    *("ohne", "statt", "anstatt", "anstelle", "vermeide", "vermeiden sie"),
    *("zonder", "in plaats van", "vermijd", "sans", "au lieu de", "plutôt que", "évitez", "évite"),
    *("sin", "en lugar de", "en vez de", "evita", "evite"),
)
_NO = _words("no")
_NEGATOR = re.compile(
    rf"(?P<local>{_LOCAL})|(?P<directive>{_DIRECTIVE})|(?P<describing>{_DESCRIBING})|(?P<no>{_NO})"
)
_WITHOUT = frozenset({"without", "ohne", "zonder", "sans", "sin"})
_IF = re.compile(
    _words(
        *("if", "when", "whenever", "in case", "where", "whether", "once", "should", "as long as"),
        *("wenn", "falls", "sobald", "ob", "sollte", "als", "indien", "wanneer", "zodra"),
        *("si", "s'il", "s'ils", "quand", "lorsque", "cuando", "en caso", "why", "warum"),
    )
)
_NOT_TO_MISS = re.compile(
    r"\W*(?:(?:to|te|se|lo|zu|de)\W+)?(?:forget|hesitate|skip|miss|only|just|merely|vergessen|nur|bloß|"
    r"alleen|vergeten|oubli|hésit|seulement|olvid|dud|solo|sólo|solamente)"
)
_MISSED = re.compile(r"(?:vergiss|vergessen sie|vergeet|oubliez|oublie)\W+(?:bitte\W+)?$")
_NEED = re.compile(
    r"\W*(?:\w+\W+){0,2}?(?:need|have to|must|should|allowed|permitted|required|necessary|supposed)"
)
_NEEDED_FOR = re.compile(r"(?:need\w*|require\w*)\s+(?!to\b)\S+(?:\s+\S+){0,5}?\s+to\s")
_NO_NOUN_TO = re.compile(r"^\s+\S+(?:\s+\S+){0,3}?\s+to\s")
_PURPOSE = re.compile(_words("pour", "para", "nodig om", "um", "in order to"))
_AND = re.compile(_words("and", "und", "en", "et", "y"))
_OR = re.compile(_words("or", "nor", "oder", "noch", "of", "ou", "ni", "o"))
_OTHER = r"(?:\s+(?!(?:that|this|it|you|we|which|there)\s)\S+){0,3}?"
_AFTER = re.compile(
    _OTHER
    + r"\s+(?:(?:is|are|was|were)(?:n't| not| never| no longer)|(?:will|would|need)(?: not|n't) be|"
    r"isnt|won't be)\s+(?:\w+\s+)?"
    r"(?:needed|necessary|required|allowed|permitted|recommended|possible|helpful|the (?:cause|reason|problem|issue))"
    r"|"
    + _OTHER
    + r"\s+(?:(?:does|do|will|would)(?: not|n't)|won't) (?:help|be needed|be necessary)"
    r"|"
    + _OTHER
    + r"\s+(?:is|are)\s+(?:all |just )?(?:unnecessary|forbidden|prohibited|off limits|never (?:ok|okay|allowed)|a myth|"
    r"nonsense|false|untrue|incorrect)(?!\w)"
    r"|(?:\s+(?:den|die|das|dein\w*|bitte|je|de|het|jamais))?\s+(?:auf keinen fall|nicht|niemals|nie|niet|nooit|"
    r"keinesfalls)(?!\s+(?:nur|alleen|vergessen|vergeten))(?!\w)"
    r"|\s+(?:\S+\s+){0,3}?(?:ist|sind|is|zijn|est|sont|es|son)\s+(?:nicht|niet|pas|no)\s+"
    r"(?:nötig|notwendig|erforderlich|erlaubt|nodig|toegestaan|nécessaire|permis|autorisé|necesario|permitido)"
)
_TAKEN_BACK = re.compile(
    r"[^.!?\n]{0,80}?(?:\?[\"')\]]*\s+(?:no|nope|never|wrong|nonsense|don't|do not|nein|nee|non)(?!\w)(?! problem)"
    r"|\s[\u2014-]\s(?:no|nope|don't|do not|never)(?!\w)"
    r"|[.!]?[\"')\]]*\s+(?:that|this|all of (?:that|this)|which) (?:is|was) (?:all )?(?:not (?:true|right|correct|the case)|"
    r"wrong|incorrect|false|untrue|nonsense))"
)
"""A question answered with no, and a sentence that the next one calls wrong."""
_LEAD_IN = re.compile(
    r"(?:do not|don't|never|avoid|(?:not|never) to do|not do|nicht|niemals|niet|nooit|jamais|nunca|evite|vermeiden)"
    r"\W*$"
)


def standing(lined: str, start: int, end: int) -> Standing:
    """How the words from `start` to `end` of a comparable text stand in their sentence."""
    while end < len(lined) and lined[end].isalnum():
        end += 1  # a phrase may end within a word
    if _AFTER.match(lined, end, min(len(lined), end + 90)) or _TAKEN_BACK.match(lined, end):
        return "denied"
    begin = max(0, start - _REACH)
    for boundary in _HARD.finditer(lined, begin, start):
        begin = boundary.end()
    if _under_a_lead_in(lined, begin):
        return "denied"
    pieces = lined[begin:start].split(",")
    here = _in_piece(pieces[-1])
    if here is not None or len(pieces) == 1:
        return here or "stated"
    return _in_list(pieces, lined, end)


def _in_piece(piece: str) -> Standing | None:
    """How the words right after this piece of a clause stand; `None` without a negator."""
    found = list(_NEGATOR.finditer(piece))
    if not found:
        return None
    last = found[-1]
    before, between = piece[: last.start()], piece[last.end() :]
    if _affirms(before, last.group(), between, several=len(found) > 1):
        return "stated"
    to_do = last.lastgroup == "no" and _NO_NOUN_TO.match(between)
    if to_do or _PURPOSE.search(between) or _AND.search(between):
        return "open"
    return _by_distance(last, between)


def _affirms(before: str, negator: str, between: str, *, several: bool) -> bool:
    """Negations that deny nothing: conditions, "don't forget", "not without", "no rights to …"."""
    if several and negator in _WITHOUT:
        return True
    conditional = negator not in _WITHOUT and _IF.search(before)
    return bool(
        conditional
        or _NOT_TO_MISS.match(between)
        or _MISSED.search(before)
        or _NEEDED_FOR.search(between)
    )


def _by_distance(negator: re.Match[str], between: str) -> Standing:
    apart = len(between.split())
    kind = negator.lastgroup
    if kind == "describing" and not _NEED.match(between):
        nearest = 1 if negator.group() in {"not", "is not", "isn't", "are not", "aren't"} else 0
        return _within(apart, nearest, _CLOSE)
    if kind in {"local", "no"}:
        return _within(apart, _NEAR, _NEAR if kind == "local" else _CLOSE)
    return _within(apart, _CLOSE, _FAR)


def _within(apart: int, denied: int, unsure: int) -> Standing:
    if apart <= denied:
        return "denied"
    return "open" if apart <= unsure else "stated"


def _in_list(pieces: list[str], lined: str, end: int) -> Standing:
    """A comma does not end what is denied in "never share passwords, codes or keys"."""
    rest = lined[end : end + 80]
    hard = _HARD.search(rest)
    rest = rest[: hard.start()] if hard else rest
    for index in range(len(pieces) - 2, -1, -1):
        between = pieces[index + 1 :]
        if any(len(piece.split()) > _LIST_WORDS for piece in between):
            return "stated"
        here = _in_piece(pieces[index])
        if here is not None:
            if here == "stated" or not any(_OR.search(part) for part in (*between, rest)):
                return "stated"
            return "open" if any(_AND.search(piece) for piece in between) else here
    return "stated"


def _under_a_lead_in(lined: str, begin: int) -> bool:
    """Whether a clause stands right after "Do not:", or is an item of the list under it."""
    head = lined[:begin].rstrip(" -")
    if head.endswith(":"):
        return bool(_LEAD_IN.search(head[:-1][-40:]))
    lines = head.split("\n")
    while lines and (not lines[-1].strip() or lines[-1].lstrip().startswith("- ")):
        lines.pop()
    lead = lines[-1].rstrip() if lines else ""
    return head.endswith("\n") and lead.endswith(":") and bool(_LEAD_IN.search(lead[:-1][-40:]))
