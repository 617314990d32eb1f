"""Articles are found by id or title, and are current until their review is due."""

from datetime import date

from tests.evals.small_suite import CERTIFICATE, REGISTER


def test_an_article_is_found_whatever_the_case_and_white_space() -> None:
    assert REGISTER.get(" KB-1 ") is CERTIFICATE
    assert REGISTER.by_title("device  certificate HAS expired") is CERTIFICATE
    assert REGISTER.get("kb-3") is None
    assert REGISTER.by_title("kb-1") is None


def test_an_article_is_current_until_its_review_is_due() -> None:
    assert CERTIFICATE.is_current(date(2026, 9, 1))
    assert CERTIFICATE.is_current(date(2027, 2, 28))
    assert not CERTIFICATE.is_current(date(2027, 3, 1))
