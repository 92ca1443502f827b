"""The strict loader: nothing surprising goes in, nothing but a clear error comes out."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance import strict_yaml
from compliance.errors import InvalidInput

FILE = Path("file.yml")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12:30", "12:30"),
        ("010", "010"),
        ("no", "no"),
        ("yes", "yes"),
        ("10", 10),
        ("true", True),
        ("null", None),
        ("1.5", 1.5),
        ('"10"', "10"),
        ("2026-11-21", "2026-11-21"),
        ("0x10", "0x10"),
        ("1_000", "1_000"),
    ],
)
def test_scalars_mean_what_people_wrote(text: str, value: object) -> None:
    assert strict_yaml.parse(f"key: {text}", FILE).data == {"key": value}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\na: 2", "file.yml:2:1: the key 'a' is given twice"),
        ("a: !!python/name:os.system x", "is not allowed"),
        ("a: !secret x", "the tag '!secret' is not allowed"),
        ("<<: {a: 1}", "must be plain text"),
        ("a: [1", "is not valid YAML"),
        ("a: &x [*x]", "holds too much"),
        ("a: &x [*x, *x, *x]", "holds too much"),
        ("a:\n\t- b", "is not valid YAML"),
    ],
)
def test_what_is_refused_says_where_and_why(text: str, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        strict_yaml.parse(text, FILE)
    assert words in str(caught.value) or "is not valid YAML" in str(caught.value)
    assert "file.yml" in str(caught.value)


def test_places_are_known() -> None:
    document = strict_yaml.parse("a:\n  - b: 1\n    c: 2\n", FILE)
    assert document.where(("a", 0, "c")) == "file.yml:3:5"
    assert document.where(("a", 0, "missing")) == "file.yml:2:5"


@given(st.text(max_size=200))
def test_any_text_gives_data_or_a_clear_error(text: str) -> None:
    try:
        strict_yaml.parse(text, FILE)
    except InvalidInput as error:
        assert str(error).startswith("file.yml")


@given(st.binary(max_size=200))
def test_any_file_gives_data_or_a_clear_error(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("yaml") / "file.yml"
    path.write_bytes(content)
    try:
        strict_yaml.load(path)
    except InvalidInput as error:
        assert str(path) in str(error)
