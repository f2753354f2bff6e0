"""The approved mail of the demo: one template and three fragments; its words are titles of the label's sections."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.audit import Actor
from portal.content.sites import change_site
from portal.mailing import pieces
from portal.mailing.drafts import PieceContent
from portal.mailing.fields import Bounds, FilledField
from portal.mailing.states import PieceKind

_SHEET = 'background-color="#ffffff" padding="8px 0"'

TEMPLATE = f"""<mj-section {_SHEET}><mj-column>
<mj-text font-size="13px">For US healthcare professionals. Demonstration with a superseded label.</mj-text>
<mj-text><h2>Sections of the Lipitor label</h2></mj-text>
<mj-text>Dear {{{{hcp.salutation}}}},<br/><br/>{{{{choice.occasion}}}} I have put together a personal page for you with
sections of the prescribing information of Lipitor (atorvastatin calcium tablets).</mj-text>
<mj-text>{{{{text.note}}}}</mj-text>
<mj-button href="{{{{link.home}}}}">Open my page</mj-button>
</mj-column></mj-section>
{{{{fragments}}}}
{{{{modules}}}}
<mj-section {_SHEET}><mj-column>
<mj-divider/>
<mj-text>Kind regards,<br/>{{{{rep.name}}}}</mj-text>
<mj-text font-size="14px"><a href="{{{{link.warnings}}}}">Warnings and precautions</a> and the
<a href="{{{{link.indications}}}}">indications and usage</a> stand on the page as well.</mj-text>
<mj-text font-size="13px" color="#4a5a66">{{{{sender.address}}}}<br/>
<a href="{{{{unsubscribe}}}}">Unsubscribe</a> · <a href="{{{{preferences}}}}">Choose what you receive</a></mj-text>
</mj-column></mj-section>"""

_FRAGMENTS = {
    "dosing": ("Dosage and administration", "dosing", "Read the dosage section"),
    "populations": ("Use in specific populations", "specific-populations", "Read about specific populations"),
    "interactions": ("Drug interactions", "interactions", "Read the interactions section"),
}


def _fragment(title: str, module: str, label: str) -> str:
    return (
        f"<mj-section {_SHEET}><mj-column><mj-text><h3>{title}</h3></mj-text>"
        f'<mj-button href="{{{{link.{module}}}}}" align="left">{label}</mj-button></mj-column></mj-section>'
    )


def approved_mail(db: Session, site_id: str, *, author: Actor, reviewer: Actor, at: datetime) -> None:
    """Write, review and approve the mail of the demo, with two different people."""
    address = "Demonstration only, 1 Example Street, Springfield, IL 62701, USA"
    change_site(db, site_id, {"mail": {"address": address, "cap": 4, "cap_days": 30}}, by=author, at=at)
    template = PieceContent(
        title="After a conversation",
        subject="Sections of the Lipitor label for you",
        body=TEMPLATE,
        fields=(
            FilledField(
                key="occasion",
                kind="choice",
                label="Occasion",
                options=("Thank you for your time.", "As you asked,", "As we discussed on the telephone,"),
            ),
            FilledField(key="note", kind="text", label="A personal line", max_length=200, required=False),
        ),
        bounds=Bounds(most_fragments=3, most_modules=5),
    )
    drafts = [("after-visit", PieceKind.TEMPLATE, template)]
    for key, (title, module, label) in _FRAGMENTS.items():
        drafts.append((key, PieceKind.FRAGMENT, PieceContent(title=title, body=_fragment(title, module, label))))
    for number, (key, kind, content) in enumerate(drafts, start=1):
        piece_id = pieces.create_piece(db, site_id, key=key, kind=kind, at=at)
        version_id = pieces.draft(db, piece_id, content, by=author, at=at)
        pieces.submit(db, version_id, by=author, at=at)
        pieces.approve(db, version_id, approval_code=f"DEMO-ATV-MAIL-{number:02d}", by=reviewer, at=at)
