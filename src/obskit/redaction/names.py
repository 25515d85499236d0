"""
Read a name as words, and judge it by them.

The last word says what the value is (its head): a ``token_type`` is a type, a
``type_token`` is a token. _Words that are written together are taken apart where
all of them are known.
"""

from __future__ import annotations

import re
from typing import Final

from . import vocabulary as words_that
from .verdict import PASSWORD, Verdict

_Words = tuple[str, ...]

#: A letter with a number, as in ``s3``; a run of capitals, of small letters or of digits.
_WORD: Final = re.compile(r"[A-Za-z][0-9]+|[A-Z]+(?![^\W\d_A-Z])|[A-Z]?[^\W\d_A-Z]+|[0-9]+")
#: A longer word is not taken apart.
_LONGEST_WORD: Final = 40


def words_of(name: str) -> _Words:
    """
    Split *name* into its lower-case words.

    >>> words_of("X-APIKey_v2")
    ('x', 'api', 'key', 'v2')
    """
    return tuple(word.lower() for word in _WORD.findall(name))


def judged(words: _Words) -> Verdict | None:
    """Judge a name by the head of its *words*, leaving out trailing ones that only qualify the value."""
    words = tuple(part for word in words for part in _parts(word))
    words, is_strange = _phrase(words)
    for last in range(len(words) - 1, -1, -1):
        word, before = words[last], _before(words, last)
        if _is_innocent(word, before, words):
            return None
        verdict = _of_head(word, before)
        if verdict is None:
            is_strange = is_strange or not _is_trailer(word)
        elif is_strange and not _is_strong(word, before):
            return None
        elif is_strange or _is_told_about(words[:last], word):
            return verdict._replace(doubtful=True)
        else:
            return verdict
    return None


def _phrase(words: _Words) -> tuple[_Words, bool]:
    """Leave out what is said of a thing behind it, and say whether that makes another thing of it."""
    for position in range(1, len(words)):
        if words[position] in words_that.LINKS | words_that.PREPOSITIONS:
            return words[:position], words[position] in words_that.LINKS
    return words, False


def _before(words: _Words, position: int) -> str:
    """Give the word before *position* that is no number."""
    return next((word for word in reversed(words[:position]) if not word.isdigit()), "")


def _is_innocent(word: str, before: str, words: _Words) -> bool:
    """Say whether *word* is the head of an innocent name, whatever it sounds like."""
    pair = before, word
    if pair in words_that.PAIRS:
        return False
    if pair == ("primary", "key") and not words_that.CIPHERS.isdisjoint(words):
        return False
    return word in words_that.NOUNS or pair in words_that.INNOCENT_PAIRS or _is_place(words, before, word)


def _is_place(words: _Words, before: str, head: str) -> bool:
    """Say whether a token is a place in a list of results, as a ``nextForwardToken`` is."""
    return (
        head == "token"
        and words[0] in ("next", "previous")
        and words[1] not in ("public", "private")  # so the settings of Next.js begin
        and before not in words_that.QUALIFIERS
    )


def _is_trailer(word: str) -> bool:
    """Say whether *word* only tells how a value is written, or which one it is, as in ``v2``."""
    return word in words_that.TRAILERS or word[1:] == "" or word[1:].isdigit() or word.isdigit()


def _is_strong(word: str, before: str) -> bool:
    """Say whether *word* names a secret so clearly that a word behind it need not be known."""
    if (before, word) in words_that.PAIRS:
        return True
    return before != "" if word == "key" else _singular(word) in words_that.STRONG


def _is_told_about(before: _Words, head: str) -> bool:
    """Say whether one of the words *before* the head asks or tells something about the secret."""
    if before[-1:] == ("enable",) and head in ("secret", "password"):  # of a router: it enables its commands
        return False
    return not words_that.VERBS.isdisjoint(before)


def _singular(word: str) -> str:
    """Take the s off a secret."""
    return word[:-1] if word[-1:] == "s" and word[:-1] in words_that.HEADS else word


def _of_head(head: str, before: str) -> Verdict | None:
    """Give the verdict on a name that ends with *before* and *head*; None where the head is no secret."""
    pair = before, head
    if pair in words_that.PAIRS or (head == "sid" and not before):  # Twilio's account_sid is an identifier
        return PASSWORD
    if pair in words_that.DOUBTFUL_PAIRS:
        return PASSWORD._replace(doubtful=True)
    one = _singular(head)
    verdict = words_that.HEADS.get(one)
    if verdict is None:
        return None
    if one != head and head not in words_that.HEADS:
        # "tokens": 512 is a count, "tokens": ["..."] is not. Sessions are told about as a rule.
        if one in words_that.TOPICS:
            return None
        verdict = verdict._replace(numbers=False)
    if pair in words_that.DOUBTFUL_BEFORE:
        return verdict._replace(doubtful=True)
    if one not in words_that.MANIFOLD or not before:
        return verdict
    # "api_key" is a secret, "route_key" may be anything, and "keys" are names of fields as a rule.
    if before in words_that.QUALIFIERS:
        return verdict._replace(weak=False) if one == "key" else verdict
    return None if head == "keys" else verdict._replace(doubtful=True)


def _parts(word: str) -> _Words:
    """Take apart words that are written together: ``apikey`` is two, ``monkey`` is one."""
    length = len(word)
    if word in words_that.KNOWN or not 4 <= length <= _LONGEST_WORD:
        return (word,)
    #: The known words that the rest of the word is made of, by where it starts.
    rests: dict[int, _Words] = {length: ()}
    for start in range(length - 2, -1, -1):
        for end in sorted(rests, reverse=True):
            if word[start:end] in words_that.KNOWN:
                rests[start] = (word[start:end], *rests[end])
                break
    if 0 in rests:
        return rests[0]
    for start in sorted(rests)[:-1]:
        rest = word[start:]
        is_lettered = start == 1 and rest in words_that.LETTERED
        if rest in words_that.UNMISTAKABLE or is_lettered or len(rests[start]) > 1:
            return (word[:start], *rests[start])
    return (word,)
