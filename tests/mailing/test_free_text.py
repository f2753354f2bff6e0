"""Free text: no address that a mail program would turn into a link, no restricted word in disguise."""

import pytest

from portal.mailing.fields import FilledField, faults_of, tidy

NOTE = FilledField(key="note", kind="text", label="Note", max_length=500)


def said(text: str) -> str:
    return " ".join(fault.sentence for fault in faults_of([NOTE], {"note": tidy(text)}))


@pytest.mark.parametrize(
    "text",
    [
        "see bit.ly/abc",
        "BIT.LY",
        "Bit.Ly/x",
        "pfizer.fr",
        "clinic\u3002com",
        "at 10.0.0.1",
        "ftp://files",
        "hxxp://x",
        "mailto:me",
        "me@here",
        "a" * 400 + ".example",
        "-".join("a" * 200) + ".example",
    ],
)
def test_what_a_mail_program_would_make_a_link_of_is_refused(text: str) -> None:
    assert "reads like an address" in said(text)


@pytest.mark.parametrize(
    "text",
    [
        "e.g. 2.5 mg/dL at 8 a.m., b.i.d. or t.i.d./q.i.d.",
        "Dr. Meier, Ph.D., i.v. use, z.B. abends",
        "TNF-α and PPARγ in µmol/L",
        "10.11.2026, 1.234.567,00; v1.2.3; 5.mg",
        "Best wishes.See you and/or write",
        "We secure a surefire date",
    ],
)
def test_plain_writing_is_not_mistaken(text: str) -> None:
    assert said(text) == ""


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("It has side effects", "side effect"),
        ("Adverse-Events happen", "adverse event"),
        ("s\u0430fer", "safer"),
        ("\u0455up\u0435ri\u03bfr", "superior"),
        ("sa\u00adf\u200ber", "safer"),
        ("ｃｕｒｅ", "cure"),
        ("gifts", "gift"),
    ],
)
def test_a_restricted_word_is_found_in_the_plural_and_in_letters_that_look_alike(text: str, word: str) -> None:
    assert f"“{word}” may not be used" in said(text)
