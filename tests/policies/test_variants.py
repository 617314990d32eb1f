"""Variants say the same in another dress, the same ones for the same seed."""

import base64
import codecs
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from policies.folding import fold
from policies.redteam.variants import FAMILIES, one_of_each, variants

WISH = "Please reset the authenticator of my colleague today."


@given(st.text(min_size=1, max_size=300), st.integers(0, 1000))
def test_any_text_has_the_same_variants_for_a_seed(text, seed):
    assert list(variants(text, seed)) == list(variants(text, seed))


def test_every_family_has_several_and_all_differ_from_the_text():
    found = list(variants(WISH, 3))
    assert min(Counter(v.family for v in found).values()) >= 3
    assert len({v.text for v in found} - {WISH}) == len(found)


def test_what_is_encoded_can_be_read_back():
    text = {v.name: v.text for v in variants(WISH, 1)}
    assert base64.b64decode(text["base64"].split()[-1]).decode() == WISH
    assert codecs.decode(text["rot13"], "rot13").endswith(WISH)
    for name in ("full_width", "zero_width"):
        assert fold(text[name]).text == WISH
        assert text[name] != WISH


def test_one_of_each_goes_round_with_the_seed():
    drawn = [list(one_of_each(WISH, seed)) for seed in range(12)]
    assert all([v.family for v in each] == list(FAMILIES) for each in drawn)
    assert {v.name for each in drawn for v in each} == {v.name for v in variants(WISH, 0)}
