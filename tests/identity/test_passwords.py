"""Passwords that everybody tries first are refused; words of one's own are not."""

from __future__ import annotations

import pytest

from muster.identity.passwords import check_policy
from muster.journal.refusal import Refused


@pytest.mark.parametrize(
    "password",
    [
        "password1234",
        "PASSWORD1234",
        "qwertyuiop123",
        "123456789012",
        "abcabcabcabc",
        "aaaaaaaaaaaa",
        "1qaz2wsx3edc",
        "5201314520131",
        "ｐａｓｓｗｏｒｄ１２３４",
    ],
)
def test_what_everybody_tries_first_is_refused(password: str) -> None:
    with pytest.raises(Refused) as refused:
        check_policy(password, "somebody")
    assert refused.value.code == "password.common"


@pytest.mark.parametrize(
    "password", ["三只海鸥站在码头上看着涨潮的海水", "correct horse battery staple"]
)
def test_words_of_ones_own_are_taken(password: str) -> None:
    check_policy(password, "somebody")
