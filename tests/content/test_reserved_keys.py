"""No module takes the address of a page that every site has."""

import pytest
from flask import Flask

from portal.content import actions
from portal.content.drafts import RESERVED_KEYS
from portal.content.refusals import DraftRefused
from portal.content.states import Kind
from tests.content.conftest import AT, AUTHOR, Desk


def test_every_address_beside_the_modules_is_reserved(app: Flask) -> None:
    under = [rule.rule.removeprefix("/m/") for rule in app.url_map.iter_rules() if rule.rule.startswith("/m/")]
    fixed = {rest.split("/")[0] for rest in under if rest and not rest.startswith("<")}
    # The start page is served under /m/ itself and stored under the name of home.
    assert fixed | {"home"} == RESERVED_KEYS


@pytest.mark.parametrize("key", sorted(RESERVED_KEYS))
def test_a_module_of_a_reserved_key_is_refused_with_a_sentence(desk: Desk, key: str) -> None:
    with pytest.raises(DraftRefused, match="taken by a page of every site"):
        actions.create_module(desk.db, desk.site, key=key, kind=Kind.ARTICLE, by=AUTHOR, at=AT)
    assert actions.create_module(desk.db, desk.site, key=f"{key}-overview", kind=Kind.ARTICLE, by=AUTHOR, at=AT)
