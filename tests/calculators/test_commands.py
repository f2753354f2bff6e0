"""The command line: exit codes, JSON, and a batch that no line can stop."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.calculators import answers, registry
from portal.cli.calculators import group

EGFR = '{"scr_mg_dl": 1.09, "age_years": 55, "sex": "male"}'


def run(*words: str, stdin: str | bytes = "") -> Result:
    return CliRunner().invoke(group, list(words), input=stdin)


def test_the_list_names_every_calculator() -> None:
    entries = json.loads(run("list", "--json").stdout)
    assert [entry["name"] for entry in entries] == list(registry.names())
    assert len(entries) == 30
    assert "scr_umol_l" in next(entry for entry in entries if entry["name"] == "ckd_epi_2021_cr")["inputs"]
    assert "CKD-EPI" in run("list").stdout


def test_an_evaluation_prints_its_result() -> None:
    found = run("eval", "ckd_epi_2021_cr", "--inputs", EGFR, "--json")
    given = json.loads(found.stdout)
    assert found.exit_code == 0
    assert (given["calculator"], given["version"], given["value"]) == ("ckd_epi_2021_cr", "1.0", 80)
    assert (given["unit"], given["band"], given["outputs"]) == ("mL/min/1.73m2", "G2", {"egfr": 80})
    assert given["unrounded"] == pytest.approx(80.1516, abs=1e-3)
    assert "eGFR: 80 mL/min/1.73m2" in run("eval", "ckd_epi_2021_cr", "--inputs", EGFR).stdout


def test_several_results_are_given_by_name() -> None:
    example = registry.get("prevent_base").definition.worked_example
    given = json.loads(run("eval", "prevent_base", "--inputs", json.dumps(example.inputs), "--json").stdout)
    assert given["value"] == given["outputs"] == example.result


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("eval", "ckd_epi_2021_cr", "--inputs", '{"age_years": 55}'), 1, "Sex is missing"),
        (("eval", "bmi", "--inputs", '{"height_cm": NaN, "weight_kg": 70}'), 1, "finite"),
        (("eval", "bmi", "--inputs", '{"height_cm": 1e999, "weight_kg": 70}'), 1, "finite"),
        (("eval", "bmi", "--inputs", '{"height_cm": 10, "weight_kg": 70}'), 1, "50 to 272"),
        (("eval", "bmi", "--inputs", "{"), 2, "not JSON"),
        (("eval", "bmi", "--inputs", "[]"), 2, "JSON object"),
        (("eval", "bmi", "--inputs", '{"a": 1, "a": 2}'), 2, "stands twice"),
        (("eval", "bmi", "--inputs", ""), 2, "empty"),
        (("eval", "bmi", "--inputs", "[" * 5_000), 2, "nested too deeply|not JSON"),
        (("eval", "bmi", "--inputs", "1" * 9_000), 2, "not JSON|JSON object"),
        (("eval", "nothing", "--inputs", "{}"), 2, "no calculator named"),
        (("eval", "FRAX", "--inputs", "{}"), 2, "trade secret"),
        (("eval", "../bmi", "--inputs", "{}"), 2, "no calculator named"),
        (("eval", "bmi"), 2, "--inputs"),
        (("eval",), 2, "NAME"),
        (("eval", "bmi", "--batch", "-"), 2, "neither"),
        (("eval", "--batch", "/nowhere/at/all"), 2, "No such file"),
    ],
)
def test_refusals_have_their_exit_code_and_say_why(words: tuple[str, ...], code: int, said: str) -> None:
    import re

    for as_json in ((), ("--json",)):
        found = run(*words, *as_json)
        assert found.exit_code == code, found.output
        assert re.search(said, found.output), found.output
        assert "Traceback" not in found.output


def test_a_batch_answers_line_by_line(tmp_path: Path) -> None:
    lines = [
        b'{"calculator": "ckd_epi_2021_cr", "inputs": ' + EGFR.encode() + b', "id": "first"}',
        b"",
        b"\xff\xfe\x00",
        b"[" * 50_000,
        b'{"calculator": "nothing", "inputs": {}}',
        b'{"calculator": "bmi"}',
        b'{"calculator": "bmi", "inputs": [1]}',
        b'{"calculator": 7, "inputs": {}}',
        b'{"calculator": "bmi", "inputs": {"height_cm": 170, "weight_kg": 70}, "more": 1}',
        b'{"calculator": "bmi", "inputs": {"height_cm": 170, "weight_kg": "70"}}',
        b'{"x": "' + b"y" * 200_000 + b'"}',
        b'{"calculator": "bmi", "inputs": {"height_cm": 170, "weight_kg": 70}}\r',
    ]
    file = tmp_path / "questions.jsonl"
    file.write_bytes(b"\n".join(lines))
    found = run("eval", "--batch", str(file), "--json")
    given: list[dict[str, Any]] = [json.loads(line) for line in found.stdout.splitlines()]
    assert found.exit_code == 1
    assert len(given) == len(lines)
    assert (given[0]["id"], given[0]["value"]) == ("first", 80)
    assert given[-1]["value"] == 24.2
    assert all("error" in line for line in given[1:-1])
    assert given[9]["fields"].keys() == {"weight_kg"}
    assert found.stdout == run("eval", "--batch", "-", "--json", stdin=file.read_bytes()).stdout


def test_a_batch_in_the_manner_of_windows_and_a_line_without_end(tmp_path: Path) -> None:
    good = b'{"calculator": "bmi", "inputs": {"height_cm": 170, "weight_kg": 70}}'
    file = tmp_path / "questions.jsonl"
    file.write_bytes(b"\xef\xbb\xbf" + good + b"\r\n" + b"[" * 5_000_000 + b"\r\n" + good)
    found = run("eval", "--batch", str(file), "--json")
    given = [json.loads(line) for line in found.stdout.splitlines()]
    assert [line.get("value") for line in given] == [24.2, None, 24.2]
    assert "longer than" in given[1]["error"]
    doubled = b'{"calculator": "bmi", "inputs": {"height_cm": 170, "height_cm": 1, "weight_kg": NaN}}'
    file.write_bytes(b"\n".join([doubled, good.replace(b"70}", b"NaN}"), good.replace(b"70}", b"Infinity}"), good]))
    given = [json.loads(line) for line in run("eval", "--batch", str(file), "--json").stdout.splitlines()]
    assert "twice" in given[0]["error"]
    assert given[1]["fields"].keys() == given[2]["fields"].keys() == {"weight_kg"}
    assert given[3]["value"] == 24.2


def test_a_good_batch_ends_well() -> None:
    line = json.dumps({"calculator": "ckd_epi_2021_cr", "inputs": json.loads(EGFR)})
    found = run("eval", "--batch", "-", "--json", stdin=f"{line}\n{line}\n")
    assert found.exit_code == 0
    assert len(found.stdout.splitlines()) == 2
    assert run("eval", "--batch", "-", "--json", stdin="").exit_code == 0


@given(st.lists(st.binary(max_size=80)))
@settings(max_examples=300, deadline=None)
def test_any_bytes_get_an_error_line(lines: list[bytes]) -> None:
    given_answers = list(answers.answers(lines))
    assert len(given_answers) == len(lines)
    assert all("error" in found for found in given_answers)
    json.dumps(given_answers, allow_nan=False)
