"""Dotted keys of names with any sign in them."""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Sequence

import pytest

from tests.hostile.named import NAMES
from yieldopt.errors import CaseError, Fault, near_miss
from yieldopt.read import positions
from yieldopt.read.documents import Document
from yieldopt.read.keys import join_key, key_parts, path_of
from yieldopt.read.positions import json_lines, toml_lines

HALF = "\ud800"


@pytest.mark.parametrize("name", [*NAMES.values(), "", HALF, "a\\", '"', "[0]", "\U000e0041"])
def test_a_key_is_read_as_it_is_joined(name: str) -> None:
    path = ("products", 3, name, "demand")
    assert path_of(join_key(path)) == path
    key = join_key(("products", name, "dppm_limit"))
    assert key.isprintable()
    if name != HALF:
        assert key_parts(key) == ("products", name, "dppm_limit")
        assert tomllib.loads(f"{key} = 1") == {"products": {name: {"dppm_limit": 1}}}
        assert toml_lines(f"\n{key} = 1")[key] == 2
    assert json_lines(json.dumps({"products": {name: {"dppm_limit": 1}}}))[key] == 1


@pytest.mark.parametrize(
    "key",
    ["", ".", "a.", "a..b", "a\n", "a = 1\nb", "a = 1 #", "[a]\nb", "x = {y = 0} #", 'a."b', "a b"],
)
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(CaseError, match="not a dotted key"):
        key_parts(key)


def test_a_message_is_one_line_that_prints_and_ends() -> None:
    bad = "\x1b[2J\n\u202e\x9b" + HALF
    fault = Fault(bad, bad, bad, bad, bad, 1)
    assert str(fault).isprintable()
    long = Fault("m" * 10**6, "k" * 10**6, "v" * 10**6, "h" * 10**6)
    assert len(str(long)) < 10_000
    assert "a very large int" in str(Fault("m", "k", 16**10_000))


def test_a_hint_takes_no_time_over_long_names() -> None:
    hint = near_miss("x" * 10_000, ["x" * 10_001 + str(at) for at in range(2000)])
    assert len(hint) < 1000
    assert near_miss("cowos_1", ["cowos_l", "y" * 10_000]) == "did you mean 'cowos_l'?"


def test_a_name_mistyped_is_found_among_thousands_by_few_comparisons(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A sign left out, doubled or changed anywhere; all names compared give the same."""
    known = [f"{at * 2654435761 % 2**32:08x}_die" for at in range(3000)]
    compared: list[int] = []
    nearest = difflib.get_close_matches

    def counted(asked: str, names: Sequence[str], n: int) -> list[str]:
        compared.append(len(names))
        return nearest(asked, names, n=n)

    monkeypatch.setattr(difflib, "get_close_matches", counted)
    for at, name in enumerate(known[::50]):
        cut = at % len(name)
        asked = name[:cut] + ("", 2 * name[cut], "x")[at % 3] + name[cut + 1 :]
        assert near_miss(asked, known) == f"did you mean {nearest(asked, known, n=1)[0]!r}?"
    assert max(compared) <= 200
    assert near_miss("y", known).startswith("known: 00")


def test_a_file_is_looked_through_once_for_the_lines_of_all_its_faults(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = "a = 1\nb = 2\n"
    parsed: list[str] = []
    monkeypatch.setattr(positions, "toml_lines", lambda of: parsed.append(of) or toml_lines(of))
    document = Document("f", text, tomllib.loads(text), "toml")
    assert [document.locate([Fault("wrong", key)])[0].line for key in "abba"] == [1, 2, 2, 1]
    assert parsed == [text]


def test_a_place_is_found_in_a_document() -> None:
    name = NAMES["markup"]
    key = join_key(("products", name))
    text = f"\n\n{key} = 1\n"
    document = Document("f", text, tomllib.loads(text), "toml")
    (fault,) = document.locate([Fault("wrong", join_key(("products", name, "missing")))])
    assert fault.line == 3
