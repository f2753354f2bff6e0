"""Where each law stands as a test. A law without one, or a test that was renamed away, is found here."""

import ast
from functools import lru_cache
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]

LAWS: dict[str, tuple[str, ...]] = {
    "L1 every route says who may open it": (
        "laws/test_guards.py::test_the_application_refuses_to_start_with_an_undeclared_route",
        "laws/test_matrix.py::test_each_person_gets_exactly_what_is_theirs",
        "laws/test_matrix.py::test_foreign_and_malformed_ids_answer_as_missing_ones",
    ),
    "L2 reading changes nothing": (
        "laws/test_nothing_changes_on_reading.py::test_reading_changes_nothing",
        "laws/test_templates.py::test_a_script_evaluates_nothing_and_submits_no_form",
    ),
    "L3 a token carries an id and a purpose": (
        "access/test_tokens.py::test_no_purpose_passes_for_another",
        "access/test_tokens.py::test_another_spelling_of_the_same_token_is_refused",
        "access/test_canaries.py::test_no_secret_leaves_its_place",
    ),
    "L4 the first device is the doctor's": (
        "access/test_door.py::test_the_first_device_is_the_doctors_and_another_is_unknown",
        "access/test_stepping_up.py::test_a_code_from_the_mailbox_makes_the_device_the_doctors",
        "staff/test_two_identities.py::test_a_device_on_which_staff_signed_in_is_never_a_doctors_again",
    ),
    "L5 revoking holds from the next request on": (
        "access/test_door.py::test_revoking_holds_from_the_next_request_on",
        "access/test_door.py::test_revoking_a_doctors_access_holds_for_every_link",
        "access/test_keys.py::test_dropping_a_key_ends_its_links_and_visits_at_the_next_request",
        "mailing/test_what_comes_back.py::test_a_revoked_mailing_opens_nothing_and_stops_what_waits",
        "tracking/test_beacon.py::test_a_revoked_link_stops_the_next_beat",
    ),
    "L6 only what is approved and in force is served": (
        "microsite/test_serving.py::test_withdrawal_approval_and_expiry_hold_at_the_next_request_of_every_process",
        "microsite/test_serving.py::test_a_version_ends_by_the_clock_alone",
        "content/test_life_of_a_version.py::test_the_database_itself_refuses_to_change_what_is_approved",
    ),
    "L7 author and approver are two people": (
        "content/test_life_of_a_version.py::test_the_author_cannot_approve_their_own_version",
        "mailing/test_pieces.py::test_author_and_approver_are_two_people_and_a_change_starts_review_again",
        "rules/test_flow.py::test_whoever_wrote_a_version_is_not_offered_the_approval_and_is_refused_it",
    ),
    "L8 nothing hides a mandatory block": (
        "personalize/test_engine.py::test_a_mandatory_block_is_never_a_candidate",
        "personalize/test_engine.py::test_only_hiding_and_requiring_by_audience_or_time_act_for_strangers",
        "microsite/test_serving.py::test_a_site_without_a_mandatory_block_serves_nothing_from_the_next_request_on",
    ),
    "L9 dwell is visible, engaged and never more than the clock": (
        "tracking/test_actions.py::test_doubled_reordered_and_replayed_beats_leave_identical_rows",
        "tracking/test_actions.py::test_a_view_never_exceeds_the_servers_clock",
        "tracking/test_dwell.py::test_lost_messages_never_add_and_the_newest_tells_all",
    ),
    "L10 what is entered stays in the browser": (
        "tracking/test_actions.py::test_calculators_keep_opened_completed_and_band",
        "tracking/test_bands.py::test_where_the_definition_keeps_bands_private_none_is_recorded",
        "calculators/test_live_page.py::test_what_is_typed_goes_nowhere",
    ),
    "L11 what is not declared is refused, and every drop has a name": (
        "tracking/test_pure.py::test_the_registry_refuses_what_is_not_declared",
        "tracking/test_pure.py::test_every_event_says_why_how_long_and_for_whom",
        "tracking/test_pure.py::test_every_drop_is_answered_and_named_once",
    ),
    "L12 without consent the page is the same for any history": (
        "microsite/test_privacy.py::test_without_consent_to_profiling_the_page_is_the_same_for_any_history",
        "microsite/test_privacy.py::test_withdrawal_holds_on_the_next_request_and_for_links_already_sent",
    ),
    "L13 arrange is pure, total, and explains itself": (
        "personalize/test_engine.py::test_contributions_add_up_to_the_score_exactly",
        "personalize/test_engine.py::test_ties_are_settled_by_the_standard_order_alone",
        "personalize/test_engine.py::test_the_order_of_candidates_and_of_what_is_known_does_not_matter",
    ),
    "L14 the live rules reproduce history": (
        "rules/test_commands.py::test_the_live_rules_reproduce_history",
        "personalize/test_backtest.py::test_the_live_rule_set_gives_every_served_page_again",
    ),
    "L15 a deed and its event commit together or not at all": (
        "laws/test_deeds_and_events.py::test_a_deed_whose_event_cannot_be_written_does_not_happen",
        "laws/test_deeds_and_events.py::test_no_page_leaves_without_its_event",
        "laws/test_stairs.py::test_actions_never_commit",
        "laws/test_migrations.py::test_what_is_approved_and_what_is_recorded_is_kept_by_the_database",
        "privacy/test_erasing.py::test_counts_pages_and_proofs_outlive_the_person",
    ),
    "L16 what is acknowledged is durable": (
        "tracking/test_kill.py::test_killed_workers_lose_no_answered_beat",
        "tracking/test_power_cut.py::test_a_power_cut_loses_no_answered_beat",
    ),
    "L17 a page is replayed byte for byte": (
        "microsite/test_serving.py::test_every_page_is_replayed_byte_for_byte_after_modules_rules_and_templates_changed",
    ),
    "L18 unknown input gets a clear error and leaves nothing": (
        "laws/test_hostile_input.py::test_no_form_breaks",
        "laws/test_hostile_input.py::test_no_file_breaks_the_import",
        "attacks/test_commands.py::test_no_argument_breaks_a_command",
    ),
    "L19 times are aware, the clock is an argument, chance is injected": (
        "laws/test_stairs.py::test_only_the_clock_reads_the_clock",
        "laws/test_stairs.py::test_what_is_pure_rests_on_no_chance",
        "laws/test_deeds_and_events.py::test_a_moment_without_a_zone_is_refused",
    ),
    "L20 strict policy, nothing from elsewhere": (
        "laws/test_headers.py::test_every_road_has_its_headers",
        "laws/test_templates.py::test_a_template_holds_nothing_the_policy_forbids",
        "journeys/test_the_loop_closes.py::test_the_loop_closes",
    ),
}


@lru_cache(maxsize=64)
def functions(file: str) -> frozenset[str]:
    path = TESTS / file
    assert path.is_file(), file
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def test_there_are_twenty_laws() -> None:
    assert [law.split()[0] for law in LAWS] == [f"L{number}" for number in range(1, 21)]


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.split()[0])
def test_every_law_has_its_tests(law: str) -> None:
    for place in LAWS[law]:
        file, _, name = place.partition("::")
        assert name in functions(file), place
