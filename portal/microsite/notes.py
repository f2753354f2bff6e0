"""The small literals of a page that differ from doctor to doctor. Pure; every value is escaped here."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from html import escape

from portal.content.queries import ModuleInForce
from portal.content.questions import Answer
from portal.microsite.pieces import without_marks
from portal.personalize import Arrangement, Item, Mode

_ICON = (
    '<svg class="icon" viewBox="0 0 16 16" width="16" height="16" fill="none" stroke="currentColor" stroke-width="1.6" '
    'stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">'
    '<path d="M8 1.8a6.2 6.2 0 1 1 0 12.4A6.2 6.2 0 0 1 8 1.8zM8 7.3v3.7M8 4.9h.01"/></svg>'
)
_NOTES = {
    Mode.PERSONAL: "In the order that fits what you read before.",
    Mode.STANDARD: "In the standard order, as you asked.",
    Mode.HOLDOUT: "In the standard order.",
    Mode.NO_CONSENT: "In the standard order: your reading is not used to arrange this page.",
    Mode.UNKNOWN_DEVICE: "In the standard order: this device is not known yet.",
}
_SAID = {
    "answered": '<span role="status">Thank you. You can change your answer here at any time.</span>',
    "unanswered": '<span role="alert">Choose one of the answers first.</span>',
    "again": '<span role="alert">Your answer could not be noted. Please choose and send it once more.</span>',
}

_WHO_SEES = {
    "named": "Your representative can see your answer, and the order of your page may follow it.",
    "nameless": "Your answer is counted without your name.",
    "unknown": "This device is not known as yours yet: your answer is counted, and your page does not follow it.",
}


def prepared(words: str) -> str:
    """Return who prepared the page and why."""
    return f'<p class="prepared"><span>{_text(words)}</span></p>' if words else ""


def order_note(arrangement: Arrangement) -> str:
    """Return what the order is, with the way to change it."""
    note = _NOTES[arrangement.mode]
    if arrangement.mode is Mode.PERSONAL and not any(item.contributions for item in arrangement.items):
        note = "In the standard order for now: it will follow what you read."
    buttons = {
        Mode.PERSONAL: ("1", "Show the standard order"),
        Mode.STANDARD: ("0", "Show my own order"),
    }.get(arrangement.mode)
    form = ""
    if buttons is not None:
        value, label = buttons
        form = (
            '<button class="text-button" type="submit" form="choices" formaction="/m/order"'
            f' name="standard" value="{value}">{label}</button>'
        )
    if arrangement.mode is Mode.UNKNOWN_DEVICE:
        form = '<a href="/me/step-up">This is my other device</a>'
    return (
        f'<div class="order-note"><span>{_text(note)}</span>'
        f'<span class="cluster">{form}<a href="/m/why">Why this order?</a></span></div>'
    )


def reason(item: Item, mode: Mode) -> str:
    """Return why a module stands where it stands; nothing where the whole page has the standard order."""
    if mode is not Mode.PERSONAL:
        return ""
    words = f'<span class="visually-hidden">Why you see this here: </span>{_text(item.reason)}'
    return f'<p class="module-why">{_ICON}<span>{words}</span></p>'


def new_mark(module: ModuleInForce, last_visit_at: datetime | None) -> str:
    """Return the mark of a module that came into force since the last visit."""
    since = module.in_force_from
    if last_visit_at is None or since is None or since <= last_visit_at:
        return ""
    return '<span class="tag tag-info">New since your last visit</span>'


def onward(modules: Sequence[tuple[str, str]]) -> str:
    """Return the way to the next modules, (key, title) each, in the reader's order."""
    if not modules:
        return ""
    links = "".join(f'<li><a href="/m/{escape(key)}">{_text(title)}</a></li>' for key, title in modules)
    return (
        '<nav class="onward stack-tight stack" aria-labelledby="onward-title">'
        f'<h2 id="onward-title">Next for you</h2><ul>{links}</ul><p><a href="/m/">All topics for you</a></p></nav>'
    )


def acts(module: ModuleInForce, *, saved: bool, dismissed: bool, personal: bool) -> str:
    """Return what a reader can do with a module; "not relevant" stands only where the page heeds it."""
    return _acts(module.key, module.title, saved, dismissed, personal)


@lru_cache(maxsize=2048)
def _acts(key: str, title: str, saved: bool, dismissed: bool, personal: bool) -> str:
    buttons = [_act("unsave", key, title, "Take off my list") if saved else _act("save", key, title, "Save for later")]
    if dismissed:
        buttons.append(_act("restore", key, title, "Show it on my page again"))
    elif personal:
        buttons.append(_act("dismiss", key, title, "Not relevant"))
    return f'<p class="module-acts">{"".join(buttons)}</p>'


def useful_question(key: str, *, thanked: bool) -> str:
    """Return the question whether a module was useful; `thanked` says that it was answered just now."""
    thanks = '<span role="status">Thank you, noted.</span>' if thanked else ""
    buttons = "".join(
        f'<button class="button" type="submit" form="choices" name="choice" value="{escape(f"{value}:{key}")}">'
        f"{label}</button>"
        for value, label in (("yes", "Yes"), ("no", "No"))
    )
    return (
        '<div class="useful" id="useful" role="group" aria-labelledby="useful-title">'
        f'<strong id="useful-title">Was this useful?</strong><span class="buttons">{buttons}</span>{thanks}</div>'
    )


def question(
    key: str,
    title: str,
    answers: Sequence[Answer],
    *,
    chosen: str = "",
    said: str = "",
    seen: str = "named",
    inert: bool = False,
) -> str:
    """Return the answers of a question to choose from; `said` is what came of answering just now, a key of `_SAID`.

    `seen` says what becomes of an answer, a key of `_WHO_SEES`; `inert` that nobody is to answer here.
    """
    disabled = " disabled" if inert else ""
    options = "".join(
        f'<label class="choice"><input type="radio" form="choices" name="answer" value="{escape(each.key)}"'
        f'{" checked" if each.key == chosen else ""}><span class="choice-text">{_text(each.text)}</span></label>'
        for each in answers
    )
    return (
        f'<div class="question stack" id="question"><fieldset class="field"{disabled}>'
        f'<legend class="label"><span class="visually-hidden">{_text(title)}: </span>Choose one answer</legend>'
        f'<div class="choices">{options}</div></fieldset>'
        '<p class="cluster"><button class="button button-primary" type="submit" form="choices" name="choice" '
        f'value="{escape(f"answer:{key}")}"{disabled}>Send my answer</button>{_SAID.get(said, "")}</p>'
        f'<p class="fine quiet">{_WHO_SEES[seen]}</p></div>'
    )


def not_asked() -> str:
    """Return why a question takes no answer from somebody who is not to be measured."""
    return (
        '<p class="quiet" id="question">No answer is taken here, because you chose not to be measured. '
        '<a href="/m/privacy">Your choices</a></p>'
    )


def also_available(left_out: Sequence[tuple[str, str, bool]], titles: Mapping[str, str]) -> str:
    """Return what is not among the cards, (key, why, whether the reader said so) each, with the way to it."""
    if not left_out:
        return ""
    lines = []
    for key, why, own in left_out:
        back = ""
        if own:
            label = f'Show again<span class="visually-hidden">: {_text(titles[key])}</span>'
            back = (
                ' <button class="text-button" type="submit" form="choices" name="choice" '
                f'value="{escape(f"restore:{key}")}">{label}</button>'
            )
        lines.append(f'<li>{_link(key, titles[key])} <span class="quiet">{_text(why)}</span>{back}</li>')
    return _list("also", "Also available", lines)


def saved_list(keys: Sequence[str], titles: Mapping[str, str]) -> str:
    """Return the modules a reader put by for later."""
    if not keys:
        return ""
    return _list("saved", "Saved for later", [f"<li>{_link(key, titles[key])}</li>" for key in keys])


def said(words: str) -> str:
    """Return one sentence about a list, such as how much was found."""
    return f'<p class="list-said" role="status">{_text(words)}</p>' if words else ""


def _act(deed: str, key: str, title: str, label: str) -> str:
    name = f'<span class="visually-hidden">: {_text(title)}</span>'
    value = escape(f"{deed}:{key}")
    return (
        f'<button class="text-button" type="submit" form="choices" name="choice" value="{value}">{label}{name}</button>'
    )


def _list(name: str, title: str, lines: Sequence[str]) -> str:
    return (
        f'<section class="onward stack-tight stack" id="{name}" aria-labelledby="{name}-title">'
        f'<h2 id="{name}-title">{title}</h2><ul>{"".join(lines)}</ul></section>'
    )


def _link(key: str, title: str) -> str:
    return f'<a href="/m/{escape(key)}">{_text(title)}</a>'


@lru_cache(maxsize=2048)
def _text(words: str) -> str:
    return escape(without_marks(words))
