"""Every word of a label survives: compared with the FDA's own JSON conversion of the same files."""

import csv
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from portal.content.labels import ParsedSection, parse
from portal.content.narrative import HL7
from portal.content.text import plain

LABELS = Path(__file__).parents[1] / "data" / "labels"
NAMES = ["openfda-lipitor-orig", "openfda-lipitor-repack", "openfda-haloperidol-notitle", "openfda-cough"]

# The FDA's names of sections, as openFDA spells its own list of codes.
SPELLINGS = {
    "spl_patient_package_insert": "42230-3",
    "spl_unclassified_section": "42229-5",
    "package_label_principal_display_panel": "51945-4",
    "storage_and_handling": "44425-7",
    "information_for_patients": "34076-0",
    "warnings_and_cautions": "43685-7",
    "active_ingredient": "55106-9",
    "questions": "53413-1",
    "how_supplied": "34069-5",
    "ask_doctor_or_pharmacist": "50568-5",
}
# Captions printed with a figure; other figures only have a name, which the FDA puts at the end of their section.
PRINTED_CAPTIONS = {"C21H23ClFNO2 375.87", "Blister of 30 Tablets"}
_FIGURE = re.compile(r"\[Figure(?:: ([^]]*?))?\. The figure is in the full Prescribing Information\.\]")
NOT_NARRATIVE = {"set_id", "id", "effective_time", "version", "spl_product_data_elements"}


def code_of(name: str) -> str:
    if name in SPELLINGS:
        return SPELLINGS[name]
    with (LABELS / "fda-loinc-sections.csv").open() as rows:
        for code, *parts in csv.reader(rows):
            title = ",".join(parts)
            if re.sub(r"[^a-z]+", "_", title.lower().replace("&", "and").replace("and or", "and")).strip("_") == name:
                return code
    raise AssertionError(f"no code for {name}")


def with_notes_in_place(html: str) -> str:
    """Return HTML whose footnotes stand again where the label has them: at their first mark."""
    found = re.search(r'<ol class="footnotes">(.*)</ol>', html, re.DOTALL)
    if not found:
        return html
    notes = re.findall(r"<li>(.*?)</li>", found.group(1), re.DOTALL)
    html = html.replace(found.group(0), "")
    for number, note in enumerate(notes, start=1):
        html = html.replace(f'<sup class="note">[{number}]</sup>', note, 1)
    return re.sub(r'<sup class="note">\[\d+\]</sup>', "", html)


def captions(xml: bytes) -> list[list[str]]:
    """Return the captions of the figures kept in each section, sections in the order of the label."""
    body = ElementTree.fromstring(xml).find(f"{HL7}component/{HL7}structuredBody")
    assert body is not None
    paths = (f"{HL7}component/{HL7}observationMedia/{HL7}text", f"{HL7}text")
    return [["".join(text.itertext()) for text in section.findall(paths[0])] for section in body.iter(f"{HL7}section")]


def all_letters(xml: bytes) -> list[tuple[str, str]]:
    """Return code and text of every section, children and figure captions included, without white space."""
    kept = iter(captions(xml))
    found: list[tuple[str, str]] = []

    def read(section: ParsedSection) -> str:
        place = len(found)
        found.append((section.code, ""))
        media = next(kept)
        own = [section.heading, plain(with_notes_in_place(section.html)), plain(with_notes_in_place(section.highlight))]
        words = squeezed(" ".join([*own, *(read(child) for child in section.children), *media]))
        found[place] = (section.code, words)
        return words

    for top in parse(xml).sections:
        read(top)
    return found


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", _FIGURE.sub(lambda found: found[1] if found[1] in PRINTED_CAPTIONS else "", text))


@pytest.mark.parametrize("name", NAMES)
def test_every_section_says_what_the_fda_conversion_says(name: str) -> None:
    ours = all_letters((LABELS / f"{name}.xml").read_bytes())
    expected = json.loads((LABELS / f"{name}.json").read_text())
    compared = 0
    for key, values in expected.items():
        if key in NOT_NARRATIVE or key.endswith("_table"):
            continue
        of_code = [words for code, words in ours if code == code_of(key)]
        for value in values:
            assert squeezed(value) in of_code, (key, value[:80])
            compared += 1
    assert compared >= 15
