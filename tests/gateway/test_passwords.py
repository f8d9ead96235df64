from __future__ import annotations

import pytest

from gateway.passwords import Passwords, hash_password

HASH = hash_password("secret")


def test_the_right_password_matches_and_a_wrong_one_does_not() -> None:
    passwords = Passwords()
    assert passwords.verify(HASH, "secret")
    assert not passwords.verify(HASH, "Secret")
    assert not passwords.verify(HASH, "")


def test_a_hash_says_nothing_of_the_password_and_is_never_the_same_twice() -> None:
    assert HASH.startswith("$argon2id$")
    assert "secret" not in HASH
    assert hash_password("secret") != HASH


@pytest.mark.parametrize("bogus", ["", "secret", "$argon2id$v=19$m=19456,t=2,p=1$AAAA"])
def test_a_hash_that_is_none_matches_nothing(bogus: str) -> None:
    assert not Passwords().verify(bogus, "secret")


def test_a_pair_that_matched_is_known_from_then_on() -> None:
    passwords = Passwords()
    assert not passwords.knows(HASH, "secret")
    passwords.verify(HASH, "secret")
    assert passwords.knows(HASH, "secret")


def test_a_pair_that_did_not_match_is_never_known() -> None:
    passwords = Passwords()
    passwords.verify(HASH, "wrong")
    assert not passwords.knows(HASH, "wrong")


def test_a_changed_hash_forgets_the_old_password() -> None:
    passwords = Passwords()
    passwords.verify(HASH, "secret")
    assert not passwords.knows(hash_password("other"), "secret")


def test_the_memory_keeps_the_pairs_used_last() -> None:
    passwords = Passwords(memory_max=2)
    one, two, three = (hash_password(password) for password in ("one", "two", "three"))
    passwords.verify(one, "one")
    passwords.verify(two, "two")
    passwords.verify(one, "one")
    passwords.verify(three, "three")
    assert passwords.knows(one, "one")
    assert passwords.knows(three, "three")
    assert not passwords.knows(two, "two")


def test_a_known_pair_is_not_hashed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    passwords = Passwords()
    passwords.verify(HASH, "secret")
    monkeypatch.setattr("argon2.PasswordHasher.verify", lambda *_: pytest.fail("hashed again"))
    assert passwords.verify(HASH, "secret")
