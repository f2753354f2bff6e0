"""Importing doctors: every wrong cell is named, and nothing is saved while there is one."""

import csv
import io
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from portal.audit import Actor
from portal.audit.models import AuditEvent, AuditPersonal
from portal.db import Database
from portal.hcp import queries
from portal.hcp.import_actions import ImportRefused, drop_file, keep_file, kept_file, known_of, save_import
from portal.hcp.import_hcps import CellError, Check, Known, KnownHcp, Layout, Outcome, check_sheet
from portal.hcp.models import Hcp
from portal.hcp.profiles import Profile
from portal.hcp.sheets import MOST_ROWS, SheetRefused, read_sheet
from portal.hcp.taxonomies import read_taxonomies
from portal.staff.actions import create_user
from portal.staff.roles import Role

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
BY = Actor.system("tests")
HEADER = "ref,title,first_name,last_name,email,npi,specialty,decile,rep_email\n"
GOOD = (
    HEADER
    + "H-1,Dr,Karin,Meier,karin.meier@clinic.example,1234567893,cardiology,9,\n"
    + "H-2,Dr,Samuel,Osei,samuel.osei@clinic.example,,nephrology,8,\n"
)
_NPPES_HEADER = Path(__file__).parents[1] / "data" / "hcp" / "nppes_header.csv"


def checked(text: str | bytes, known: Known | None = None) -> Check:
    raw = text if isinstance(text, bytes) else text.encode()
    return check_sheet(read_sheet(raw), known or Known())


def only_error(text: str, known: Known | None = None) -> CellError:
    (error,) = checked(text, known).errors
    return error


def test_a_good_file_has_no_errors_and_says_what_it_would_do() -> None:
    check = checked(GOOD)
    assert check.errors == ()
    assert (check.layout, check.rows, check.count(Outcome.NEW)) == (Layout.OWN, 2, 2)
    assert check.planned[0].profile.last_name == "Meier"


@pytest.mark.parametrize(
    ("column", "cell", "words"),
    [
        ("ref", "", "missing"),
        ("ref", "H 1", "reference has"),
        ("email", "karin.meier", "not an email address"),
        ("email", "a..b@clinic.example", "not an email address"),
        ("npi", "1234567890", "not an NPI"),
        ("decile", "11", "whole number from 1 to 10"),
        ("decile", "9.5", "whole number from 1 to 10"),
        ("decile", "٣", "whole number from 1 to 10"),
        ("first_name", "=HYPERLINK(1)", "formula"),
        ("first_name", "@cmd", "formula"),
        ("first_name", "-1+1", "formula"),
        ("first_name", "Ka\u202erin", "invisible"),
        ("first_name", '"Ka\nrin"', "line break"),
        ("first_name", "K" * 81, "at most 80"),
        ("last_name", "", "needs a last name"),
        ("rep_email", "nobody@portal.example", "Nobody"),
    ],
)
def test_a_wrong_cell_is_named_with_line_column_and_sentence(column: str, cell: str, words: str) -> None:
    cells = dict(
        zip(HEADER.strip().split(","), ["H-1", "Dr", "Karin", "Meier", "k@c.example", "", "", "9", ""], strict=True)
    )
    cells[column] = cell
    error = only_error(HEADER + ",".join(cells.values()) + "\n")
    assert (error.row, error.column) == (2, column)
    assert words in error.sentence
    assert error.sentence[0].isupper() or error.sentence[0] == "“"


def test_all_wrong_cells_are_found_at_once() -> None:
    check = checked(HEADER + "H-1,Dr,A,B,bad,123,,77,\n" + "H-1,Dr,A,B,c@d.example,,,0,\n")
    assert [(error.row, error.column) for error in check.errors] == [
        (2, "email"),
        (2, "npi"),
        (2, "decile"),
        (3, "decile"),
        (3, "ref"),
    ]
    assert "line 2 already" in check.errors[-1].sentence


def test_lines_are_those_of_the_file_even_where_a_cell_spans_two() -> None:
    text = HEADER + '"H-1",Dr,"Ka\nrin",Meier,,,,,\n\n' + "H-2,Dr,A,B,bad,,,,\n"
    assert [error.row for error in checked(text).errors] == [2, 5]


def test_a_number_that_belongs_to_another_doctor_is_refused() -> None:
    known = Known(
        hcps={"H-9": KnownHcp("x", Profile(last_name="Old", npi="1234567893"), frozenset())},
        ref_by_npi={"1234567893": "H-9"},
    )
    assert "H-9" in only_error(HEADER + "H-1,,A,B,,1234567893,,,\n", known).sentence
    assert checked(HEADER + "H-9,,A,B,,1234567893,,,\n", known).errors == ()


def test_an_erased_doctor_does_not_come_back() -> None:
    assert "erased" in only_error(HEADER + "H-1,,A,B,,,,,\n", Known(erased_refs=frozenset({"H-1"}))).sentence


def test_rows_merge_by_reference_and_an_empty_cell_changes_nothing() -> None:
    held = Profile(first_name="Karin", last_name="Meier", email="k@c.example", specialty="cardiology", decile=9)
    known = Known(hcps={"H-1": KnownHcp("x", held, frozenset())})
    check = checked(HEADER + "H-1,,,,,,,4,\n", known)
    assert check.planned[0].changes == {"decile": 4}
    assert check.planned[0].profile.specialty == "cardiology"
    assert checked(HEADER + "H-1,,Karin,Meier,,,,9,\n", known).count(Outcome.SAME) == 1


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "empty"),
        (b"   \n", "empty"),
        ("ref,last_name\nH-1,Müller\n".encode("cp1252"), "Line 2 is not UTF-8"),
        ("ref,last_name\nH-1,M\n".encode("utf-16"), "UTF-16"),
        (b"PK\x03\x04rest", "Excel workbook"),
        (b"ref,last_name\nH-1,\x00\n", "not a text file"),
        (b"ref,last_name\n", "no rows"),
        (b'ref,last_name\nH-1,"open\n', "cannot be read"),
        (b"ref,ref\nH-1,H-2\n", "twice"),
        (b"ref,last_name\n" + b"H-1,A\n" * (MOST_ROWS + 1), "rows"),
        (b"x" * (10 * 1024 * 1024 + 1), "10 MB"),
    ],
)
def test_a_file_that_is_no_table_is_refused_in_one_sentence(raw: bytes, words: str) -> None:
    with pytest.raises(SheetRefused, match=words):
        read_sheet(raw)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_byte_order_mark_and_the_usual_separators_are_fine(delimiter: str) -> None:
    text = "ref,last_name\r\nH-1,Müller\r\n".replace(",", delimiter)
    check = checked(b"\xef\xbb\xbf" + text.encode())
    assert check.errors == ()
    assert check.planned[0].profile.last_name == "Müller"


def test_a_line_that_names_the_separator_is_no_header_and_counts_as_a_line() -> None:
    check = checked("sep=;\r\nref;last_name;decile\r\nH-1;Müller, Karl;3\r\nH-2;Osei;99\r\n".encode())
    assert check.planned[0].profile.last_name == "Müller, Karl"
    assert [(error.row, error.column) for error in check.errors] == [(4, "decile")]


def test_what_is_too_large_for_the_page_is_sent_to_the_command_which_takes_more() -> None:
    many = b"ref,last_name\n" + b"H-1,A\n" * (MOST_ROWS + 1)
    with pytest.raises(SheetRefused, match=r"\./run hcp import"):
        read_sheet(many)
    assert len(read_sheet(many, most_rows=MOST_ROWS + 1).rows) == MOST_ROWS + 1


def test_a_list_of_taxonomies_with_many_columns_and_empty_cells_is_read() -> None:
    columns = ["Code", "Classification", *(f"c{number}" for number in range(80))]
    rows = [["207RC0000X", "Cardiology"], ["207Q00000X", ""], ["", "Nobody"]]
    text = "\n".join(",".join([*row, *[""] * (len(columns) - len(row))]) for row in [columns, *rows])
    assert read_taxonomies(read_sheet(text.encode())) == {"207RC0000X": "Cardiology"}


def test_an_unknown_column_gets_a_suggestion_and_a_missing_one_is_named() -> None:
    errors = checked("ref,lastname\nH-1,Meier\n").errors
    assert "Did you mean last_name?" in errors[0].sentence
    assert "“last_name” is missing" in errors[1].sentence


def test_a_row_with_too_few_cells_is_named() -> None:
    assert only_error("ref,last_name\nH-1\n").sentence == "The row has 1 cells, the header has 2."


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        check_sheet(read_sheet(raw), Known())
    except SheetRefused:
        return


@given(st.lists(st.text(max_size=20), min_size=9, max_size=9))
def test_any_cells_are_taken_or_named(cells: list[str]) -> None:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    try:
        check = checked((HEADER + out.getvalue()).encode("utf-8", "surrogatepass"))
    except SheetRefused:
        return
    assert check.errors or len(check.planned) == 1


def nppes(**cells: str) -> str:
    columns = next(csv.reader(io.StringIO(_NPPES_HEADER.read_text(encoding="utf-8"))))
    base = {
        "NPI": "1234567893",
        "Entity Type Code": "1",
        "Provider Last Name (Legal Name)": "O'BRIEN-SMITH",
        "Provider First Name": "MARY",
        "Provider Credential Text": "M.D.",
        "Provider Enumeration Date": "05/23/2005",
        "Last Update Date": "07/08/2007",
        "Healthcare Provider Taxonomy Code_1": "207Q00000X",
        "Healthcare Provider Primary Taxonomy Switch_1": "N",
        "Healthcare Provider Taxonomy Code_2": "207RC0000X",
        "Healthcare Provider Primary Taxonomy Switch_2": "Y",
    }
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, quoting=csv.QUOTE_ALL, restval="")
    writer.writeheader()
    writer.writerow(base | cells)
    return out.getvalue()


def test_the_provider_file_is_read_by_the_names_of_its_329_columns() -> None:
    check = checked(nppes())
    assert check.errors == ()
    (row,) = check.planned
    assert (check.layout, row.ref) == (Layout.NPPES, "1234567893")
    assert (row.profile.title, row.profile.first_name, row.profile.last_name) == ("Dr", "Mary", "O'Brien-Smith")
    assert row.profile.specialty is None
    assert "no name" in check.notes[0]


def test_the_primary_taxonomy_is_named_by_the_list_that_was_loaded() -> None:
    names = read_taxonomies(read_sheet(b"Code,Grouping,Classification\n207RC0000X,x,Cardiology\n"))
    check = check_sheet(read_sheet(nppes().encode()), Known(), specialties=names)
    assert check.planned[0].profile.specialty == "Cardiology"
    assert check.notes == ()
    with pytest.raises(SheetRefused, match="column Code"):
        read_taxonomies(read_sheet(b"a,b\n1,2\n"))


def test_a_known_number_finds_its_doctor_whatever_the_reference() -> None:
    held = KnownHcp("x", Profile(first_name="Mary", last_name="Old", npi="1234567893"), frozenset())
    check = checked(nppes(), Known(hcps={"H-9": held}, ref_by_npi={"1234567893": "H-9"}))
    assert (check.planned[0].ref, check.planned[0].outcome) == ("H-9", Outcome.CHANGED)


def test_organisations_and_deactivated_numbers_are_left_out_and_counted() -> None:
    assert checked(nppes(**{"Entity Type Code": "2"})).skipped == {"organisations": 1}
    off = {"NPI Deactivation Date": "01/02/2020"}
    assert checked(nppes(**off)).skipped == {"deactivated numbers": 1}
    assert checked(nppes(**off, **{"NPI Reactivation Date": "01/02/2021"})).skipped == {}


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("NPI", "1234567890"),
        ("NPI", ""),
        ("Entity Type Code", "3"),
        ("NPI Deactivation Date", "2020-01-02"),
        ("NPI Deactivation Date", "02/30/2020"),
        ("Healthcare Provider Taxonomy Code_3", "CARDIO"),
        ("Healthcare Provider Primary Taxonomy Switch_1", "Y"),
        ("Provider First Name", "=A1"),
    ],
)
def test_a_wrong_cell_of_the_provider_file_is_named_as_the_file_names_it(column: str, cell: str) -> None:
    (error,) = checked(nppes(**{column: cell})).errors
    assert error.column == column


def test_a_later_file_with_other_column_names_is_read_too() -> None:
    text = nppes().replace("Provider Gender Code", "Provider Sex Code").replace(" (Legal Name)", "")
    assert checked(text).errors == ()


def test_saving_is_all_or_nothing_and_once_only(database: Database) -> None:
    with database.writing() as db:
        first = create_user(
            db, "a@portal.example", name="A", password="correct horse battery", roles=[Role.REP], by=BY, at=AT
        )
        second = create_user(
            db, "b@portal.example", name="B", password="correct horse battery", roles=[Role.REP], by=BY, at=AT
        )
    staff = {"a@portal.example": first, "b@portal.example": second}

    def run(text: str) -> Check:
        with database.writing() as db:
            check = check_sheet(read_sheet(text.encode()), known_of(db, staff=staff, at=AT))
            save_import(db, check, by=BY, at=AT)
            return check

    with pytest.raises(ImportRefused):
        run(GOOD + "H-3,Dr,A,B,bad,,,,\n")
    with database.reading() as db:
        assert db.scalar(select(func.count()).select_from(Hcp)) == 0
    assert run(GOOD.replace(",9,\n", ",9,a@portal.example\n")).count(Outcome.NEW) == 2
    assert run(GOOD).count(Outcome.SAME) == 2
    moved = run(GOOD.replace(",9,\n", ",9,b@portal.example\n"))
    assert moved.count(Outcome.CHANGED) == 1
    with database.reading() as db:
        card = queries.hcp_by_ref(db, "H-1")
        assert card is not None
        assert [each.user_id for each in queries.assigned_staff(db, card.id, AT)] == [second]
        assert db.scalar(select(func.count()).where(AuditEvent.name == "hcps.imported")) == 3


def test_a_changed_row_keeps_history_and_says_what_was_before(database: Database) -> None:
    def run(text: str) -> None:
        with database.writing() as db:
            check = check_sheet(read_sheet(text.encode()), known_of(db, staff={}, at=AT))
            save_import(db, check, by=BY, at=AT)

    header = "ref,last_name,territory,adoption_step,decile\n"
    run(header + "H-1,Meier,NE-1,trial,9\nH-2,Osei,NE-1,,8\n")
    run(header + "H-1,Voss,SW-2,aware,9\nH-2,,,usage,\n")
    with database.reading() as db:
        first, second = queries.hcp_by_ref(db, "H-1"), queries.hcp_by_ref(db, "H-2")
        assert first is not None
        assert second is not None
        assert (first.last_name, first.territory_key, first.adoption_step, first.decile) == ("Voss", "SW-2", "aware", 9)
        assert (second.last_name, second.territory_key, second.adoption_step) == ("Osei", "NE-1", "usage")
        assert {step.step for step in queries.adoption_history(db, first.id)} == {"trial", "aware"}
        names = list(db.scalars(select(AuditEvent.name).order_by(AuditEvent.seq)).all())
        changed = db.scalars(
            select(AuditPersonal.fields)
            .join(AuditEvent, AuditEvent.id == AuditPersonal.event_id)
            .where(AuditEvent.name == "hcp.updated")
        ).one()
    assert names.count("hcp.adoption-step-changed") == 3
    assert changed == {
        "before": {"last_name": "Meier", "territory": "NE-1"},
        "after": {"last_name": "Voss", "territory": "SW-2"},
    }


def test_a_reference_taken_at_this_moment_refuses_the_whole_file(database: Database) -> None:
    with database.writing() as db:
        stale = check_sheet(read_sheet(GOOD.encode()), known_of(db, staff={}, at=AT))
        save_import(db, stale, by=BY, at=AT)
    with database.writing() as db:
        with pytest.raises(ImportRefused, match="at this moment"):
            save_import(db, stale, by=BY, at=AT)
        assert db.scalar(select(func.count()).select_from(Hcp)) == 2


def test_two_who_confirm_the_same_check_at_once_save_it_once(database: Database) -> None:
    body = GOOD.encode()
    with database.writing() as db:
        user = create_user(
            db, "a@portal.example", name="A", password="correct horse battery", roles=[Role.ADMIN], by=BY, at=AT
        )
        kept_id = keep_file(db, user, file_name="x.csv", body=body, specialties={}, at=AT)
    gate = threading.Barrier(3)

    def confirm(_: int) -> str:
        gate.wait()
        try:
            with database.writing() as db:
                kept = kept_file(db, user, kept_id=kept_id, at=AT)
                if kept is None:
                    return "missing"
                check = check_sheet(read_sheet(kept.body), known_of(db, staff={}, at=AT))
                save_import(db, check, by=BY, at=AT)
                drop_file(db, user, kept_id=kept_id)
                return "saved"
        except ImportRefused:
            return "refused"

    with ThreadPoolExecutor(3) as pool:
        said = sorted(pool.map(confirm, range(3)))
    assert said == ["missing", "missing", "saved"]
    with database.reading() as db:
        assert db.scalar(select(func.count()).select_from(Hcp)) == 2
        assert db.scalar(select(func.count()).where(AuditEvent.name == "hcps.imported")) == 1


def test_two_who_confirm_the_same_doctors_at_once_save_them_once(database: Database) -> None:
    gate = threading.Barrier(2)

    def confirm(_: int) -> str:
        gate.wait()
        try:
            with database.writing() as db:
                check = check_sheet(read_sheet(GOOD.encode()), known_of(db, staff={}, at=AT))
                save_import(db, check, by=BY, at=AT)
                return "saved" if check.count(Outcome.NEW) else "same"
        except ImportRefused:
            return "refused"

    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(confirm, range(2)))
    assert said.count("saved") == 1
    with database.reading() as db:
        assert db.scalar(select(func.count()).select_from(Hcp)) == 2


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"NPI": "1234567893\u200b"}, "NPI"),
        ({"NPI": "１２３４５６７８９３"}, "NPI"),
        ({"Provider Last Name (Legal Name)": "=cmd|' /C calc'!A0"}, "Provider Last Name (Legal Name)"),
        ({"Provider Last Name (Legal Name)": "A" * 5000}, "Provider Last Name (Legal Name)"),
        ({"Provider First Name": "Ka\u202erin"}, "Provider First Name"),
        ({"Healthcare Provider Taxonomy Code_15": "<script>alert(1)</script>"}, "Healthcare Provider Taxonomy Code_15"),
        ({"Last Update Date": "٠١/٠٢/٢٠٢٠"}, "Last Update Date"),
        ({"Entity Type Code": "1; DROP TABLE hcps"}, "Entity Type Code"),
    ],
    ids=["invisible", "wide", "formula", "long", "turned", "script", "digits", "sql"],
)
def test_a_hostile_provider_file_is_named_cell_by_cell(cells: dict[str, str], column: str) -> None:
    (error,) = checked(nppes(**cells)).errors
    assert error.column == column
    assert len(error.sentence) < 200


def test_references_that_differ_in_capitals_only_are_one_doctor() -> None:
    known = Known(hcps={"H-1": KnownHcp("0" * 32, Profile(last_name="Lind"), frozenset())})
    sheet = read_sheet(b"ref,last_name\nh-1,Lind\nH-2,Berg\nh-2,Berg\nH-1,Lind\n")
    said = {(error.row, error.column) for error in check_sheet(sheet, known).errors}
    assert said == {(2, "ref"), (4, "ref"), (5, "ref")}
