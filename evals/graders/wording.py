"""Words reduced to what two tellings of the same step share. English; other languages keep their values only."""

import re

_WORD = re.compile(r"[^\W\d_][\w'-]{2,}")
_STOP = frozenset(
    "about above after again all also always and any are because been before being below between both "
    "but can could did does doing done down each either else ever every few for from further get gets "
    "got had has have having here how however if into is it its just let like make many may might more "
    "most must need needs next not note now off once one only onto other our out over own per please "
    "same see shall should since some still such sure than that the their them then there these they "
    "thing this those through too two under until upon use used using very via want was way well were "
    "what when where which while who whole why will with within without would yes yet you your yours "
    "you'll you're you've it's don't first second third finally simply again it'll i'll he she his her "
    "hers him employee user says said reported reports tried try trying already".split()
)
_SAME = {
    **dict.fromkeys("launch start go navigate head visit browse".split(), "open"),
    **dict.fromkeys("click choose press tap hit pick push".split(), "select"),
    **dict.fromkeys("reboot restarted rebooted restarting".split(), "restart"),
    **dict.fromkeys("laptop pc machine notebook device mac desktop workstation".split(), "computer"),
    **dict.fromkeys("mobile smartphone cellphone iphone android handset".split(), "phone"),
    **dict.fromkeys("app application program client software tool".split(), "app"),
    **dict.fromkeys("pw pwd passwd passphrase".split(), "password"),
    **dict.fromkeys("mail mails email e-mail".split(), "email"),
    **dict.fromkeys("wi-fi wifi wlan wireless".split(), "wifi"),
    **dict.fromkeys("sync synchronise synchronize synced syncing".split(), "sync"),
    **dict.fromkeys("log-in login logon signin sign-in".split(), "sign"),
    **dict.fromkeys("log logged signed".split(), "sign"),
    **dict.fromkeys("remove erase uninstall".split(), "delete"),
    **dict.fromkeys("type fill".split(), "enter"),
    **dict.fromkeys("ring phone-call telephone".split(), "call"),
    **dict.fromkeys("reinstalled reinstall".split(), "install"),
}
_ENDINGS = ("ations", "ation", "ments", "ment", "ings", "ing", "ies", "ied", "ed", "es", "ly", "s", "e")
_SHORTEST = 3


def stem(word: str) -> str:
    """A word without its ending, and a common synonym for it."""
    plain = _SAME.get(word, word)
    for ending in _ENDINGS:
        if plain.endswith(ending) and len(plain) - len(ending) >= _SHORTEST:
            plain = plain.removesuffix(ending)
            break
    if len(plain) > _SHORTEST and plain[-1] == plain[-2]:
        plain = plain[:-1]
    return _STEMMED.get(plain, plain)


def stems(text: str) -> list[str]:
    """The words of a text that carry meaning, reduced; `text` is in small letters."""
    return [stem(word) for word in _WORD.findall(text) if word not in _STOP]


_STEMMED: dict[str, str] = {}
_STEMMED.update({stem(word): stem(same) for word, same in _SAME.items()})
