"""What a label file turns into, and what is refused with a sentence."""

import re
from pathlib import Path

import pytest

from portal.content.labels import LabelRefused, parse

LABELS = Path(__file__).parents[1] / "data" / "labels"
LIPITOR = (LABELS / "openfda-lipitor-orig.xml").read_bytes()
HALOPERIDOL = (LABELS / "openfda-haloperidol-notitle.xml").read_bytes()
COUGH = (LABELS / "openfda-cough.xml").read_bytes()

SMALL = """<document xmlns="urn:hl7-org:v3"><id root="d-1"/><code code="34391-3"/><title>T</title>
<effectiveTime value="20140113"/><setId root="s-1"/><versionNumber value="3"/>
<component><structuredBody>{}</structuredBody></component></document>"""


def label_of(text: str, *, code: str = "34067-9", title: str = "1 USE") -> bytes:
    section = f'<section ID="S1"><code code="{code}"/><title>{title}</title><text>{text}</text></section>'
    return SMALL.format(f"<component>{section}</component>").encode()


def html_of(text: str) -> str:
    return parse(label_of(text)).sections[0].html


def test_the_label_says_which_label_it_is() -> None:
    label = parse(LIPITOR)
    assert label.set_id == "c6e131fe-e7df-4876-83f7-9156fc4e8228"
    assert (label.version, label.effective_date.isoformat()) == (11, "2014-01-13")
    assert "LIPITOR® (atorvastatin calcium) Tablets for oral administration Initial" in label.title


def test_sections_keep_code_number_title_and_order() -> None:
    found = {section.number: (section.code, section.title) for section in parse(LIPITOR).walk() if section.number}
    assert found["5.1"] == ("42229-5", "Skeletal Muscle")
    assert found["7.11"] == ("42229-5", "Colchicine")
    assert found["14"] == ("34092-7", "CLINICAL STUDIES")


def test_a_strength_in_a_title_is_not_a_section_number() -> None:
    section = parse(label_of("<paragraph>x</paragraph>", code="51945-4", title="10 mg Tablet")).sections[0]
    assert (section.number, section.title) == ("", "10 mg Tablet")


def test_a_section_with_only_a_title_is_kept() -> None:
    found = [section for section in parse(LIPITOR).walk() if section.number == "4.2"]
    assert found[0].title == "Hypersensitivity to any component of this medication"


def test_only_a_boxed_warning_at_the_top_of_a_prescription_label_counts() -> None:
    assert len(parse(LIPITOR).boxed_warnings) == 0
    boxes = [section for section in parse(HALOPERIDOL).walk() if section.code == "34066-1"]
    assert len(boxes) == 4
    assert [box.text[:24] for box in parse(HALOPERIDOL).boxed_warnings] == ["WARNING Increased Mortal"]
    assert [section.code for section in parse(COUGH).walk()].count("34066-1") == 1
    assert parse(COUGH).boxed_warnings == ()


def test_the_highlights_stand_beside_the_section_they_shorten() -> None:
    section = parse(LIPITOR).top("43685-7")[0]
    assert section.html == ""
    assert "Skeletal muscle effects (e.g., myopathy and rhabdomyolysis)" in section.highlight


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ('<paragraph><content styleCode="bold italics">A</content></paragraph>', "<p><strong><em>A</em></strong></p>"),
        ('<paragraph><content styleCode="underline">A</content></paragraph>', "<p><u>A</u></p>"),
        ('<paragraph><content styleCode="xmChange">A</content></paragraph>', "<p>A</p>"),
        ("<paragraph>H<sub>2</sub>O m<sup>2</sup></paragraph>", "<p>H<sub>2</sub>O m<sup>2</sup></p>"),
        ("<list><item>A</item></list>", "<ul><li>A</li></ul>"),
        (
            '<list listType="ordered" styleCode="LittleAlpha"><caption>C</caption><item>A</item></list>',
            '<p class="caption">C</p><ol type="a"><li>A</li></ol>',
        ),
        ("<list><item><caption>*</caption>A</item></list>", '<ul><li><span class="marker">*</span> A</li></ul>'),
        ('<paragraph><linkHtml href="#S1">1</linkHtml></paragraph>', '<p><a href="#label-S1">1</a></p>'),
        ('<paragraph><linkHtml href="#nowhere">1</linkHtml></paragraph>', "<p>1</p>"),
        ('<paragraph><linkHtml href="http://e.example/">e</linkHtml></paragraph>', "<p>e</p>"),
        ('<paragraph><linkHtml href="javascript:x()">e</linkHtml></paragraph>', "<p>e</p>"),
        ("<paragraph>a &lt;script&gt;b</paragraph>", "<p>a &lt;script&gt;b</p>"),
        ("<paragraph>a</paragraph><unheard>b</unheard>", "<p>a</p>b"),
    ],
)
def test_narrative_becomes_plain_html(text: str, html: str) -> None:
    assert html_of(text) == html


def test_tables_keep_their_head_spans_and_caption_and_scroll_on_narrow_screens() -> None:
    html = html_of(
        '<table ID="t1"><caption>Doses</caption><col width="5"/><thead><tr><th colspan="2">A</th></tr></thead>'
        '<tbody><tr><td rowspan="2" styleCode="Rrule">1</td><td colspan="9999">2</td></tr></tbody></table>'
    )
    assert html == (
        '<div class="table-scroll" role="region" tabindex="0" aria-label="Doses" id="label-t1"><table>'
        '<caption>Doses</caption><thead><tr><th scope="colgroup" colspan="2">A</th></tr></thead>'
        '<tbody><tr><td rowspan="2">1</td><td>2</td></tr></tbody></table></div>'
    )


def test_footnotes_are_numbered_and_listed_at_the_end() -> None:
    html = html_of(
        '<paragraph>a<footnoteRef IDREF="f"/> b<footnote>two</footnote> c<footnote ID="f">one</footnote></paragraph>'
    )
    assert html == (
        '<p>a<sup class="note">[1]</sup> b<sup class="note">[2]</sup> c<sup class="note">[1]</sup></p>'
        '<ol class="footnotes"><li>one</li><li>two</li></ol>'
    )


def test_a_figure_says_where_it_is_to_be_found() -> None:
    html = html_of(
        '<paragraph><renderMultiMedia referencedObject="M"><caption>Plot</caption></renderMultiMedia></paragraph>'
    )
    assert (
        html == '<p><span class="figure">[Figure: Plot. The figure is in the full Prescribing Information.]</span></p>'
    )


def test_no_real_label_leaves_anything_a_browser_would_fetch_or_run() -> None:
    for path in LABELS.glob("*.xml"):
        for section in parse(path.read_bytes()).walk():
            served = section.html + section.highlight
            assert not re.search(r"<(script|style|img|iframe|object|link)|\son\w+=|style=|https?:[^<]*\"", served)


def change(old: str, new: str) -> bytes:
    assert old.encode() in label_of("")
    return label_of("").replace(old.encode(), new.encode())


@pytest.mark.parametrize(
    ("xml", "sentence"),
    [
        (b"", "not well-formed XML"),
        (b"NPI,name\n1,2", "not well-formed XML"),
        (b"\x00\xff\xfe", "not well-formed XML"),
        (LIPITOR[: len(LIPITOR) // 2], "not well-formed XML"),
        (b'<?xml version="1.0" encoding="no-such"?><a/>', "encoding"),
        (b"<html><body/></html>", "not a drug label"),
        (b'<!DOCTYPE d SYSTEM "http://e.example/d.dtd"><d/>', "document type"),
        (b'<!DOCTYPE d [<!ENTITY a "aa">]><d>&a;</d>', "document type"),
        (b"<a>" * 200 + b"</a>" * 200, "not a drug label"),
        (label_of("<content>" * 200 + "</content>" * 200), "deep"),
        (b" " * (10 * 1024 * 1024 + 1), "10 MB"),
        (change('<setId root="s-1"/>', ""), "no set id"),
        (change('<setId root="s-1"/>', '<setId root="a b"/>'), "not an identifier"),
        (change('<id root="d-1"/>', ""), "no document id"),
        (change('code="34391-3"', 'code="53404-0"'), "document code is 53404-0"),
        (change('<versionNumber value="3"/>', ""), "no version number"),
        (change('value="3"', 'value="-3"'), "no version number"),
        (change('value="20140113"', 'value="20140230"'), "from which day"),
        (change('value="20140113"', 'value="2014-W01"'), "from which day"),
        (SMALL.format("").encode(), "no sections"),
        (SMALL.format("<component><section><code/></section></component>").encode(), "no sections"),
        (b'<document xmlns="urn:hl7-org:v3"/>', "no structured body"),
        (SMALL.format("<component><section/></component>" * 3001).encode(), "sections; no drug label"),
        (label_of("<br/>" * 150_000), "elements; no drug label"),
    ],
)
def test_what_is_not_a_label_is_refused_with_a_sentence(xml: bytes, sentence: str) -> None:
    with pytest.raises(LabelRefused) as refused:
        parse(xml)
    assert sentence in str(refused.value)
    assert str(refused.value).endswith(".")


def test_no_mangled_label_does_worse_than_being_refused() -> None:
    for start in range(0, len(COUGH) - 40, 97):
        mangled = COUGH[:start] + COUGH[start + 40 :]
        try:
            parse(mangled)
        except LabelRefused:
            continue
