"""The page in a real Chromium: live, by keyboard, announced, printable, and silent about what was typed."""

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from portal.calculators import registry
from tests.calculators.engines import browser_answers, disagreement, python_answers
from tests.calculators.questions import questions
from tests.calculators.site import Site

pytestmark = pytest.mark.browser


def show(sheet: Page, site: Site, name: str) -> Page:
    sheet.goto(f"{site.url}/{name}")
    return sheet


def number(sheet: Page, path: str, text: str) -> None:
    sheet.locator(f'[data-field="{path}"] input').fill(text)


def pick(sheet: Page, path: str, value: str) -> None:
    sheet.locator(f'[data-field="{path}"] [data-option="{value}"]').click()


# Enters values by path the way a hand would, in one step: text into fields, presses on answers.
_ENTER = """(values) => {
  for (const [path, value] of Object.entries(values)) {
    const place = document.querySelector(`[data-field="${path}"]`);
    const entry = place.querySelector("input");
    if (!entry) { place.querySelector(`[data-option="${value}"]`).click(); continue; }
    entry.focus();
    entry.value = String(value);
    entry.dispatchEvent(new InputEvent("input", { bubbles: true }));
    entry.blur();
  }
}"""


def answer_all(sheet: Page, name: str) -> None:
    """Enters the worked example."""
    flat: dict[str, Any] = {}
    for key, value in registry.get(name).definition.worked_example.inputs.items():
        flat |= {f"{key}.{inner}": item for inner, item in value.items()} if isinstance(value, dict) else {key: value}
    sheet.evaluate(_ENTER, flat)


def heard(sheet: Page) -> list[dict[str, str]]:
    return list(sheet.evaluate("window.heard"))


def wait_for_reports(sheet: Page, number: int) -> None:
    for _ in range(100):
        if len(heard(sheet)) >= number:
            return
        sheet.wait_for_timeout(50)
    raise AssertionError(f"only {heard(sheet)} was reported")


def test_both_engines_agree(sheet: Page, site: Site) -> None:
    show(sheet, site, "bmi")
    for name in registry.names():
        calculator = registry.get(name)
        asked = list(questions(calculator, 2_000, seed=7))
        pairs = zip(asked, python_answers(calculator, asked), browser_answers(sheet, calculator, asked), strict=True)
        assert [said for _, ours, theirs in pairs if (said := disagreement(ours, theirs))] == []


def test_every_worked_example_comes_out_on_its_page(sheet: Page, site: Site) -> None:
    for name in registry.names():
        show(sheet, site, name)
        assert "needed" in sheet.locator("[data-needed]").inner_text()
        answer_all(sheet, name)
        assert sheet.locator("[data-needed]").is_hidden()
        shown = [text.strip() for text in sheet.locator("[data-value]").all_inner_texts() if text.strip()]
        printed = sheet.locator(".calc-example strong").all_inner_texts()
        assert [text.split(" ")[0] for text in printed] == [text.split(" ")[0] for text in shown], name


def test_values_are_counted_down_until_there_is_a_result(sheet: Page, site: Site) -> None:
    show(sheet, site, "ckd_epi_2021_cr")
    needed = sheet.locator("[data-needed]")
    assert needed.inner_text() == "3 more values needed"
    number(sheet, "age_years", "55")
    assert needed.inner_text() == "2 more values needed"
    pick(sheet, "sex", "male")
    assert needed.inner_text() == "1 more value needed"
    assert sheet.locator("[data-copy-result]").is_disabled()
    number(sheet, "scr_mg_dl", "1,09")
    assert sheet.locator("[data-value]").inner_text() == "80"
    assert sheet.locator("[data-band]").inner_text() == "G2"
    assert sheet.locator("[data-band-row][aria-current]").count() == 1
    number(sheet, "scr_mg_dl", "")
    assert needed.inner_text() == "1 more value needed"
    assert sheet.locator("[data-results]").is_hidden()


def test_a_unit_change_converts_and_comes_back_exactly(sheet: Page, site: Site) -> None:
    show(sheet, site, "ckd_epi_2021_cr")
    number(sheet, "age_years", "55")
    pick(sheet, "sex", "male")
    number(sheet, "scr_mg_dl", "1.09")
    entry, button = sheet.locator('[data-field="scr_mg_dl"] input'), sheet.locator("[data-unit]")
    assert "Change to µmol/L" in (button.get_attribute("aria-label") or "")
    button.click()
    assert (entry.input_value(), sheet.locator("[data-value]").inner_text()) == ("96.38", "80")
    assert "mg/dL" in (button.get_attribute("aria-label") or "")
    said = sheet.locator('[data-field="scr_mg_dl"] [data-say]')
    assert said.inner_text() == "Converted from 1.09 mg/dL."
    button.click()
    assert (entry.input_value(), said.inner_text()) == ("1.09", "")
    button.click()
    number(sheet, "scr_mg_dl", "300")
    assert sheet.locator("[data-value]").inner_text() == "21"


def test_the_grid_follows_the_unit_shown(sheet: Page, site: Site) -> None:
    show(sheet, site, "kdigo_risk")
    number(sheet, "egfr", "95")
    number(sheet, "acr_mg_g", "28")
    assert "A1" in sheet.locator("[data-value]").inner_text()
    sheet.locator("[data-unit]").click()
    assert "A2" in sheet.locator("[data-value]").inner_text()


def test_wrong_and_unusual_values_are_told_beside_their_field(sheet: Page, site: Site) -> None:
    show(sheet, site, "ldl_friedewald")
    number(sheet, "total_chol_mg_dl", "250")
    number(sheet, "hdl_mg_dl", "50")
    field = sheet.locator('[data-field="triglycerides_mg_dl"]')
    entry, said = field.locator("input"), field.locator("[data-say]")
    entry.fill("1")
    assert said.inner_text() == ""  # on the way to 150
    entry.fill("400")
    entry.blur()
    assert said.inner_text() == "Must be 10 to below 400 mg/dL."
    assert entry.get_attribute("aria-invalid") == "true"
    assert sheet.locator("[data-needed]").inner_text() == "Check the marked value"
    entry.fill("1.2.3")
    assert "one decimal point or comma" in said.inner_text()
    entry.fill("20")
    assert "Unusual" in said.inner_text()
    assert sheet.locator("[data-results]").is_visible()
    entry.fill("100,000")
    entry.blur()
    assert said.inner_text() == "Read as 100.000 mg/dL."
    number(sheet, "hdl_mg_dl", "200")
    number(sheet, "total_chol_mg_dl", "150")
    assert "lower than total" in sheet.locator('[data-field="hdl_mg_dl"] [data-say]').inner_text()


def test_what_is_typed_is_one_number_or_is_refused(sheet: Page, site: Site) -> None:
    show(sheet, site, "bmi")
    number(sheet, "height_cm", "170")
    field = sheet.locator('[data-field="weight_kg"]')
    taken = {"70,5": "24.4", "70.5": "24.4", " 70 ": "24.2", "+70": "24.2", "70.": "24.2", "070": "24.2"}
    for text, result in taken.items():
        field.locator("input").fill(text)
        assert sheet.locator("[data-value]").inner_text() == result
    for text in ("1.234,5", "7e1", "٧٠", "70kg", "0x46", "7 0", "--70", "NaN", "Infinity", "1/2", "70,5,5", "."):
        field.locator("input").fill(text)
        assert "one decimal point or comma" in field.locator("[data-say]").inner_text(), text
        assert sheet.locator("[data-results]").is_hidden()
    for text in ("", "   "):
        field.locator("input").fill(text)
        assert sheet.locator("[data-needed]").inner_text() == "1 more value needed"
    field.locator("input").fill("70.125")
    assert field.locator("[data-say]").inner_text() == "Read as 70.125 kg."


def test_the_rounded_stage_explains_itself(sheet: Page, site: Site) -> None:
    show(sheet, site, "ckd_epi_2021_cr")
    number(sheet, "age_years", "83")
    pick(sheet, "sex", "male")
    number(sheet, "scr_mg_dl", "3.84")
    assert (sheet.locator("[data-value]").inner_text(), sheet.locator("[data-band]").inner_text()) == ("15", "G5")
    assert "14.86 before rounding" in sheet.locator("[data-notes]").inner_text()


def test_a_calculator_is_used_by_keyboard_alone(sheet: Page, site: Site) -> None:
    show(sheet, site, "cockcroft_gault")
    keys = sheet.keyboard
    keys.press("Tab")
    keys.type("40")
    for key in ("Tab", "ArrowRight", "ArrowRight", "ArrowRight", "Tab"):
        keys.press(key)
    assert sheet.locator('[data-field="sex"] [aria-checked="true"]').inner_text() == "Male"
    keys.type("72")
    for key in ("Tab", "Tab", "Space", "Tab"):
        keys.press(key)
    assert sheet.locator('[data-field="weight_basis"] [aria-checked="true"]').inner_text() == "Actual"
    keys.type("1")
    box = sheet.evaluate("document.activeElement.getBoundingClientRect().bottom")
    assert box <= sheet.evaluate("document.querySelector('[data-pinned]').getBoundingClientRect().top")
    assert sheet.locator("[data-value]").inner_text() == "100.0"
    keys.press("Enter")
    assert sheet.url == f"{site.url}/cockcroft_gault"


def test_the_result_is_announced_once_typing_pauses(sheet: Page, site: Site) -> None:
    show(sheet, site, "bmi")
    status = sheet.locator("[data-status]")
    number(sheet, "height_cm", "178")
    number(sheet, "weight_kg", "72")
    assert status.inner_text() == ""
    expect(status).to_have_text(re.compile("^BMI 22.7 kg/m². Normal range"))
    assert status.get_attribute("aria-live") == "polite"


def test_what_is_reported_is_opened_completed_and_the_band(sheet: Page, site: Site) -> None:
    show(sheet, site, "ckd_epi_2021_cr")
    opened = {"type": "calculator.opened", "subject": "ckd_epi_2021_cr", "value": "", "version": "1.0"}
    assert heard(sheet) == [opened]
    answer_all(sheet, "ckd_epi_2021_cr")
    wait_for_reports(sheet, 2)
    completed = opened | {"type": "calculator.completed", "value": "g2"}
    number(sheet, "scr_mg_dl", "1.1")
    sheet.wait_for_timeout(1_100)
    assert heard(sheet) == [opened, completed]
    number(sheet, "scr_mg_dl", "5")
    sheet.evaluate("dispatchEvent(new Event('pagehide'))")
    assert heard(sheet) == [opened, completed, completed | {"value": "g5"}]

    show(sheet, site, "has_bled")
    answer_all(sheet, "has_bled")
    wait_for_reports(sheet, 2)
    pick(sheet, "stroke", "true")
    sheet.wait_for_timeout(1_100)
    assert [event["value"] for event in heard(sheet)] == ["", ""]


def test_a_result_is_copied_as_text_with_its_sources(chromium: Browser, site: Site) -> None:
    context = chromium.new_context(permissions=["clipboard-read", "clipboard-write"])
    sheet = show(context.new_page(), site, "pasi")
    answer_all(sheet, "pasi")
    sheet.locator("[data-copy-result]").click()
    expect(sheet.locator("[data-copy-result]")).to_have_text("Copied")
    text = sheet.evaluate("navigator.clipboard.readText()")
    assert text.startswith("PASI\nPASI 14.4. Above 10. Severe")
    assert "Arms, Area: 1–9 %" in text
    assert "Version 1.0 of 22 November 2026, DEMO-CALC-" in text
    assert "Fredriksson" in text
    context.close()


def test_where_the_clipboard_is_refused_the_text_is_shown(sheet: Page, site: Site) -> None:
    show(sheet, site, "bmi")
    sheet.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')); }")
    answer_all(sheet, "bmi")
    sheet.locator("[data-copy-result]").click()
    area = sheet.locator("[data-copied]")
    area.wait_for(state="visible")
    assert "BMI 22.7" in area.input_value()
    assert area.get_attribute("autocomplete") == "off"  # a browser keeps what it may restore on its disk
    number(sheet, "weight_kg", "73")
    assert (area.is_hidden(), area.input_value()) == (True, "")


def test_reset_clears_everything_and_returns_to_the_first_field(sheet: Page, site: Site) -> None:
    show(sheet, site, "ckd_epi_2021_cr")
    answer_all(sheet, "ckd_epi_2021_cr")
    sheet.locator("[data-unit]").click()
    sheet.locator("[data-reset]").click()
    assert sheet.locator("[data-needed]").inner_text() == "3 more values needed"
    assert sheet.locator('[aria-checked="true"]').count() == 0
    assert sheet.locator('[data-field="scr_mg_dl"] input').input_value() == ""
    assert "mg/dL" in sheet.locator("[data-unit-shown]").inner_text()
    assert sheet.evaluate("document.activeElement.id") == "ckd_epi_2021_cr-age_years"


def test_print_shows_result_and_references(sheet: Page, site: Site) -> None:
    show(sheet, site, "bmi")
    answer_all(sheet, "bmi")
    sheet.evaluate("() => { window.printed = 0; window.print = () => { window.printed += 1; }; }")
    sheet.locator("[data-print-result]").click()
    assert sheet.evaluate("window.printed") == 1
    sheet.emulate_media(media="print")
    assert sheet.locator("[data-value]").is_visible()
    assert sheet.locator(".calc-references").is_visible()
    assert not sheet.locator("[data-reset]").is_visible()


CANARY = "73.1904378"  # longer than a port, a hash's digits or a counter could hold by chance
MARKS = ("73.1904", "73,1904", "731904378")
# Types into every field and presses every last answer, as fast as a browser takes it.
_FILL = """(text) => {
  for (const field of document.querySelectorAll(".calc-input")) {
    field.focus();
    field.value = text;
    field.dispatchEvent(new InputEvent("input", { bubbles: true }));
    field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
    field.dispatchEvent(new Event("change", { bubbles: true }));
    field.blur();
  }
  for (const group of document.querySelectorAll("[role=radiogroup]")) group.lastElementChild.click();
}"""
_KEPT = """async () => JSON.stringify([
  {...localStorage}, {...sessionStorage}, document.cookie, location.href, document.title, history.state, window.name,
  await indexedDB.databases(), await caches.keys(), document.forms.length,
])"""
_NOTHING = re.compile(r'\[\{\},\{\},"","http://[^"]*/[a-z0-9_]+","[^"]*",null,"",\[\],\[\],0\]')


def test_what_is_typed_goes_nowhere(chromium: Browser, site: Site) -> None:
    context = chromium.new_context()
    sheet = context.new_page()
    sent: list[str] = []
    sheet.on("request", lambda request: sent.append(f"{request.url} {request.headers} {request.post_data}"))
    sheet.on("console", lambda message: sent.append(message.text))
    for name in registry.names():
        show(sheet, site, name)
        site.requests.clear()
        sent.clear()
        sheet.evaluate(_FILL, CANARY)
        if name in ("ckd_epi_2021_cr", "has_bled", "pasi"):
            answer_all(sheet, name)
        sheet.evaluate(_FILL, CANARY)
        sheet.evaluate("dispatchEvent(new Event('pagehide'))")
        kept, events = sheet.evaluate(_KEPT), heard(sheet)
        assert _NOTHING.fullmatch(kept), kept
        assert all(event["type"] in ("calculator.opened", "calculator.completed") for event in events)
        assert all(mark not in f"{kept}{events}" for mark in MARKS)
        assert (sent, site.requests) == ([], [])
    sheet.goto(f"{site.url}/bmi")
    assert not [line for line in site.requests if any(mark in line for mark in MARKS)]
    context.close()


def test_a_real_hand_at_the_keyboard_leaves_no_trace(sheet: Page, site: Site) -> None:
    show(sheet, site, "ldl_friedewald")
    site.requests.clear()
    for field in sheet.locator(".calc-input").all():
        field.click()
        sheet.keyboard.type(CANARY)
        sheet.keyboard.press("Enter")
    assert sheet.url == f"{site.url}/ldl_friedewald"
    assert site.requests == []
    sheet.reload()
    assert sheet.locator(".calc-input").evaluate_all("all => all.map((x) => x.value).join('')") == ""
    assert not [line for line in site.requests if any(mark in line for mark in MARKS)]


@pytest.mark.parametrize(("scheme", "size"), [("light", (360, 640)), ("dark", (1280, 800))])
def test_no_page_has_barriers(chromium: Browser, site: Site, scheme: Any, size: tuple[int, int]) -> None:
    context = chromium.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
    sheet = context.new_page()
    for name in ("ckd_epi_2021_cr", "cha2ds2_vasc", "prevent_base"):
        show(sheet, site, name)
        answer_all(sheet, name)
        found = Axe().run(sheet)
        serious = [item["id"] for item in found.response["violations"] if item["impact"] in ("serious", "critical")]
        assert serious == []
    context.close()


def test_a_narrow_screen_never_scrolls_sideways_and_targets_are_large(chromium: Browser, site: Site) -> None:
    context = chromium.new_context(viewport={"width": 320, "height": 640})
    sheet = context.new_page()
    for name in registry.names():
        show(sheet, site, name)
        assert sheet.evaluate("document.documentElement.scrollWidth") <= 320
        heights = sheet.locator(".calc-work :is(button, input)").evaluate_all(
            "all => all.filter((x) => x.offsetParent).map((x) => x.getBoundingClientRect().height)"
        )
        assert min(heights) >= 44
    context.close()


def test_without_a_script_the_evidence_is_there(chromium: Browser, site: Site) -> None:
    context = chromium.new_context(java_script_enabled=False)
    sheet = context.new_page()
    for name in ("ckd_epi_2021_cr", "cha2ds2_vasc"):
        show(sheet, site, name)
        assert sheet.locator("[data-work]").is_hidden()
        for heading in ("Formula", "Worked example", "References"):
            assert sheet.get_by_role("heading", name=heading).is_visible()
        assert sheet.locator("noscript p").is_visible()
    assert sheet.get_by_role("heading", name="Table of points").is_visible()
    context.close()
