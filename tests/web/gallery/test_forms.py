"""A form drawn by the macros keeps what was typed and says what is wrong beside the field."""

from __future__ import annotations

import pytest
from werkzeug.datastructures import MultiDict
from wtforms import (
    BooleanField,
    DateField,
    Form,
    IntegerField,
    PasswordField,
    RadioField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, Optional

from tests.web.gallery.gallery import environment

CHOICES = [SelectChoice("a", "First"), SelectChoice("b", "Second")]
GROUPS = [SelectChoice("c", "Third", optgroup="More"), SelectChoice("d", "Fourth", optgroup="More")]


class Sample(Form):
    name = StringField("Name", [InputRequired("Write a name")], description="As on the badge")
    days = IntegerField("Days", [Optional()])
    note = TextAreaField("Note", [Length(max=3, message="Three letters at most")])
    secret = PasswordField("Password")
    on = DateField("Day", [Optional()])
    one = SelectField("One", choices=CHOICES)
    grouped = SelectField("Grouped", choices=GROUPS)
    pick = RadioField("Pick", choices=CHOICES)
    many = SelectMultipleField("Many", choices=CHOICES)
    agree = BooleanField("Agree")


@pytest.fixture
def html() -> str:
    form = Sample(
        MultiDict(
            [
                ("days", "x<1"),
                ("note", "long"),
                ("secret", "hush"),
                ("one", "b"),
                ("grouped", "d"),
                ("pick", "a"),
                ("many", "b"),
                ("agree", "y"),
            ]
        )
    )
    assert not form.validate()
    template = environment().from_string(
        '{% import "components/forms.html" as f %}{{ f.form_errors(form) }}'
        "{% for each in form %}{{ f.bound(each) }}{% endfor %}"
    )
    return template.render(form=form)


def test_what_was_typed_is_kept_and_escaped_but_a_password_is_not(html: str) -> None:
    assert 'value="x&lt;1"' in html
    assert ">\nlong</textarea>" in html
    assert "hush" not in html


def test_choices_are_kept(html: str) -> None:
    assert '<option value="b" selected>' in html
    assert '<optgroup label="More"><option value="c">Third</option><option value="d" selected>' in html
    assert 'id="pick-0" value="a" checked' in html
    assert 'id="many-1" value="b" checked' in html
    assert 'value="y" checked' in html


def test_errors_stand_above_and_beside(html: str) -> None:
    assert '<a href="#name">Write a name</a>' in html
    assert '<a href="#note">Three letters at most</a>' in html
    assert 'aria-invalid="true" aria-describedby="name-hint name-error"' in html
    assert html.count('class="field-error"') == 3


def test_what_may_be_left_out_says_so(html: str) -> None:
    assert 'for="days">Days <span class="optional">(optional)</span>' in html
    assert 'for="name">Name</label>' in html
