"""What a typed value looks like: made up, an identifier, a placeholder. For the rules that look for secrets."""

import re

LEAST, _DIGITS = 4, 4
LOGIN_CODE = (
    r"(?:otp|totp|mfa|2fa|tan|pin(?:[ -]?code)?|code pin|geheimzahl|toegangscode|tap|temporary access pass|"
    r"(?:unlock|lock|lid|device|phone|door|pairing|activation|one[- ]?time|verification|authenticator|auth|security|login|sms|access|recovery|backup|"
    r"confirmation|sign[- ]?in|bevestigings|verificatie|bestaetigungs|sicherheits|anmelde|einmal)[ -]?"
    r"(?:code|pass(?:code|word)?|pin)|code de (?:verification|securite|confirmation)|"
    r"codigo de (?:verificacion|seguridad|acceso))"
)
KEEP = re.compile(
    r"(?:KB\d{5,8}|1password|0x[0-9a-f]+|AADSTS\d+|v?\d{1,4}(?:\.\d{1,5}){1,3}|\d{1,2}[:.h]\d{2}(?:am|pm)?|"
    r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|[\w.+-]+@[\w-]+(?:\.[\w-]+)+|[a-z]+://\S+|www\.\S+|"
    r"(?:[a-z0-9-]+\.)+[a-z]{2,}(?:/\S*)?|\d+(?:st|nd|rd|th|h|hrs|min|mins|days?|x|%|[kmg]b)|\d+%)",
    re.IGNORECASE,
)
IDENTIFIER = re.compile(r"[A-Z]{1,6}(?:-[A-Z0-9]{2,6})*-\d{1,7}|[A-Z]{2,5}\d{4,10}|#?\d{1,3}")
PLACEHOLDER = re.compile(
    r"\[?\{?<?[a-z]+-\d+>?\}?\]?|\*+|x{3,}|\.{2,}|-+|_+|<.*|\$\{?\w+\}?|%\w+%|\{\{.*"
)
ERROR_NEARBY = re.compile(
    r"(?:err(?:or|eur)?|fehler\w*|fout\w*|exit|stop|status|event|zip|postal|post|country|area|dial\w*|"
    r"product|cost|item|asset|promo|qr|bar|source|return|result|hex|reason|http|response|room|door|"
    r"building|project|department|sponsor|retour)\W{0,3}$",
    re.IGNORECASE,
)


def bare(value: str) -> str:
    return value.strip("\"'`").rstrip(".,;:)]}!?")


def has_shape(value: str, *, strict: bool) -> bool:
    """Whether a word looks made up: digits or signs among letters, or capitals inside.

    `strict` is for values without a connecting word, where identifiers are more likely.
    """
    if len(value) < LEAST or PLACEHOLDER.fullmatch(value) or KEEP.fullmatch(value):
        return False
    digits = sum(char.isdigit() for char in value)
    letters = sum(char.isalpha() for char in value)
    if strict and (IDENTIFIER.fullmatch(value) or not digits):
        return False
    if digits:
        return letters > 0 or digits >= _DIGITS
    signs = re.search(r"[!@#$%^&*_+=?~|\\]", value)
    inner = re.search(r"[a-z][A-Z]", value)
    return signs is not None or inner is not None


def mixed(value: str) -> bool:
    return all(re.search(shape, value) for shape in (r"[a-z]", r"[A-Z]", r"\d"))


def is_identifier(value: str) -> bool:
    return any(shape.fullmatch(value) for shape in (KEEP, IDENTIFIER, PLACEHOLDER))
