"""The 37 kinds of abuse, bad input and faults that faceloom is tested against, and the tests of each.

`pytest -m abuse` runs them all: `tests/conftest.py` marks the tests that are named here. Tests in tests/abuse carry the
marker themselves. docs/reliability.md shows the last figures.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Item:
    """One kind: what happens, what faceloom promises, and the tests elsewhere, as `file::name` below tests/."""

    event: str
    promise: str
    tests: tuple[str, ...] = ()


ITEMS = {
    1: Item(
        "EXIF with every orientation, a position, or damage",
        "The picture is upright, and nothing of the EXIF data is in any output.",
        (
            "images/test_photo.py::test_exif_orientation",
            "images/test_photo.py::test_damaged_exif_is_ignored",
            "images/test_save.py::test_only_pixels_are_saved",
        ),
    ),
    2: Item(
        "CMYK, YCCK and wide-gamut color profiles",
        "Colors arrive in sRGB, and none is inverted.",
        (
            "images/test_photo.py::test_wide_gamut_profiles_are_converted",
            "images/test_photo.py::test_cmyk_without_profile_is_not_inverted",
            "images/test_photo.py::test_ycck_is_not_inverted",
            "images/test_photo.py::test_invalid_profile_is_noted",
        ),
    ),
    3: Item(
        "16 bits a channel",
        "Levels are scaled to 8 bits, not cut.",
        (
            "images/test_photo.py::test_sixteen_bit_gray_is_scaled",
            "images/test_photo.py::test_sixteen_bit_rgb_is_scaled",
        ),
    ),
    4: Item(
        "1-bit, palette, gray with alpha, transparency",
        "The picture is shown on a defined background.",
        (
            "images/test_photo.py::test_transparency_is_shown_on_background",
            "images/test_photo.py::test_half_transparency_is_blended",
            "images/test_photo.py::test_plain_modes",
        ),
    ),
    5: Item(
        "HEIC, with and without its library",
        "It is opened upright, or a message names the extra to install.",
        ("images/test_photo.py::test_heic", "images/test_photo.py::test_heic_without_its_library"),
    ),
    6: Item(
        "Animations, also of thousands of frames",
        "The first frame is used and a note says so; no further frame is decoded.",
        (
            "images/test_photo.py::test_animation_uses_the_first_frame",
            "images/test_photo.py::test_further_frames_are_not_decoded",
        ),
    ),
    7: Item(
        "Empty files, one byte, text under a picture's name",
        "They are refused in words.",
        ("images/test_photo.py::test_other_files_are_refused",),
    ),
    8: Item(
        "Pictures cut short at every 5 %, and flipped bytes",
        "They are refused or opened; nothing hangs.",
        (
            "images/test_photo.py::test_truncated_files",
            "images/test_photo.py::test_flipped_bytes_raise_image_error_only",
        ),
    ),
    9: Item(
        "Decompression bombs",
        "The size is read from the header and refused before decoding.",
        (
            "images/test_photo.py::test_size_is_checked_before_decoding",
            "images/test_photo.py::test_webp_size_is_checked_before_opening",
            "images/test_photo.py::test_large_pictures_that_cannot_be_reduced_are_refused",
        ),
    ),
    10: Item(
        "Huge metadata, thousands of segments, endless streams",
        "Reading is bounded.",
        (
            "images/test_photo.py::test_huge_png_text_is_refused",
            "images/test_photo.py::test_many_large_jpeg_segments",
            "images/test_photo.py::test_too_many_jpeg_scans_are_refused",
            "images/test_photo.py::test_endless_stream_is_bounded",
        ),
    ),
    11: Item(
        "A picture that is also a web page, a zip or a program",
        "Only its pixels are stored, and they are served as a picture.",
        ("images/test_photo.py::test_trailing_data_is_dropped",),
    ),
    12: Item(
        "SVG, EPS, PDF, TIFF, PSD and other kinds under a picture's name",
        "The kind is found by content, and only seven are opened.",
        ("images/test_photo.py::test_unsupported_formats_are_refused",),
    ),
    13: Item(
        "Hostile file names and paths",
        "Names of uploads are never used, and no path leaves its folder.",
        (
            "web/test_security.py::test_no_path_leaves_the_folder_of_the_page",
            "web/test_attacks.py::test_hostile_paths_are_answered_with_4xx_and_headers",
            "images/test_photo.py::test_invalid_paths",
        ),
    ),
    14: Item(
        "Bodies that are too large, endless or slow, and half-open connections",
        "They are answered 413 or 408 or closed, and others are served meanwhile.",
        (
            "web/test_security.py::test_hosts_origins_and_sizes",
            "web/test_security.py::test_a_photo_that_is_too_large",
            "web/test_attacks.py::test_chunked_bodies_that_are_too_large_are_answered_413",
            "web/test_attacks.py::test_slow_heads_and_bodies_are_ended",
            "web/test_attacks.py::test_half_open_connections_do_not_starve_others",
        ),
    ),
    15: Item("Forms of a thousand parts or fields", "They are answered 4xx."),
    16: Item(
        "Checkpoints that run code when they are loaded",
        "Nothing of a file is imported or called; a canary proves it.",
        (
            "checkpoints/test_hostile.py::test_hostile_file_raises_and_runs_nothing",
            "checkpoints/test_hostile.py::test_memory_limit_of_child",
            "checkpoints/test_pickles.py::test_calls_are_refused_by_name",
        ),
    ),
    17: Item(
        "NVIDIA's pickles, which carry source code",
        "They are read by a reduced unpickler; the code in them is not used.",
        (
            "checkpoints/test_beside_weights.py::test_options_do_not_decide",
            "checkpoints/test_pickles.py::test_dotted_names_are_refused",
        ),
    ),
    18: Item(
        "Tensor files with false headers, overlaps, NaN or wrong shapes",
        "A typed error names the problem.",
        (
            "test_likeness.py::test_hostile_headers_are_rejected",
            "test_likeness.py::test_hostile_bytes_are_rejected",
            "checkpoints/test_hostile.py::test_truncated_files_are_refused",
        ),
    ),
    19: Item(
        "A model file with a flipped byte, or one that vanishes",
        "The damage is told, the file is set aside, and loaded networks keep working.",
        (
            "assets/test_cache.py::test_damaged_asset_is_quarantined",
            "assets/test_pull.py::test_pull_replaces_a_damaged_asset",
            "cli/test_models.py::test_verify_finds_damage",
        ),
    ),
    20: Item(
        "Archives with bombs, links, outside or repeated names",
        "The archive is refused with counts.",
        (
            "datasets/test_archive_sources.py::test_zip_bomb_is_refused",
            "datasets/test_archive_sources.py::test_names_outside_the_archive_are_refused",
            "datasets/test_archive_sources.py::test_links_are_refused",
            "datasets/test_archive_sources.py::test_names_that_occur_twice_are_refused",
        ),
    ),
    21: Item(
        "A disk that is full at any write",
        "The job fails in words, nothing broken has a final name, and it recovers.",
        (
            "web/test_full_disk.py::test_delete_everything_on_a_full_disk",
            "web/test_full_disk.py::test_a_full_disk_while_visits_expire",
            "train/test_train_run.py::test_full_disk_keeps_the_last_good_checkpoint",
            "assets/test_pull.py::test_full_disk_leaves_nothing",
            "images/test_save.py::test_failed_save_keeps_the_old_file",
        ),
    ),
    22: Item(
        "kill -9 at random points",
        "No acknowledged item is lost, and nothing broken is left.",
        (
            "train/test_train_run.py::test_killed_run_resumes_to_the_same_result",
            "assets/test_pull.py::test_kill_at_every_write",
            "web/test_restart.py::test_a_killed_worker_is_replaced_and_the_encoding_is_repeated",
        ),
    ),
    23: Item(
        "SIGTERM during work, and a power cut",
        "Work is parked and continues at the next start; the database is consistent.",
        (
            "web/test_restart.py::test_a_restart_in_the_middle_of_an_encoding",
            "web/test_restart.py::test_a_restart_while_playing",
        ),
    ),
    24: Item(
        "A worker without memory, that hangs, or that computes NaN",
        "One task fails, the worker is replaced, and NaN is never saved.",
        (
            "web/test_worker.py::test_the_worker_survives_errors",
            "test_likeness.py::test_numbers_that_are_not_finite_are_rejected_before_saving",
            "train/test_train_run.py::test_diverged_generator_gives_no_snapshot",
        ),
    ),
    25: Item(
        "Many visitors and many jobs at once",
        "They take turns, get their own pictures only, or 429 with a time to wait.",
        (
            "web/test_privacy.py::test_five_visitors_at_once_get_their_own_pictures",
            "web/test_attacks.py::test_clients_take_turns_and_sliders_go_first",
            "web/test_security.py::test_too_many_requests_are_answered_with_a_time_to_wait",
        ),
    ),
    26: Item(
        "Reload, back, double click, two tabs",
        "The visit goes on, and nothing happens twice.",
        (
            "web/test_visit.py::test_a_repeated_request_changes_nothing",
            "browser/test_page_visit.py::test_refresh_at_each_state",
            "browser/test_page_visit.py::test_two_tabs_show_the_same_visit",
            "browser/test_page_visit.py::test_the_back_button_stays_in_the_visit",
        ),
    ),
    27: Item(
        "No camera, or a denied one",
        "The page says so, and upload and phone still work.",
        ("browser/test_page_visit.py::test_camera_denied",),
    ),
    28: Item(
        "A server that is down while its page is open",
        "The photo is kept in the browser and sent once.",
        (
            "browser/test_page_faults.py::test_a_photo_taken_without_a_server_is_sent_once",
            "browser/test_page_faults.py::test_server_killed_during_an_encoding",
        ),
    ),
    29: Item(
        "DNS rebinding, foreign origins, forged requests, framing",
        "They are answered 403; no frame is allowed; only this machine is listened to by default.",
        (
            "web/test_security.py::test_hosts_origins_and_sizes",
            "web/test_attacks.py::test_hostile_origins_are_refused",
            "web/test_public_url.py::test_only_the_public_host_and_this_machine_are_accepted",
            "cli/test_booth_command.py::test_listens_on_localhost_by_default",
            "web/test_attacks.py::test_attempts_at_the_pin_are_counted_by_address",
        ),
    ),
    30: Item(
        "Guessed, expired and deleted addresses of downloads",
        "They are answered 404; ids have 192 random bits and expire.",
        (
            "web/test_visit.py::test_downloads",
            "store/test_visit_store.py::test_a_download_outlives_its_visit_until_it_expires",
        ),
    ),
    31: Item(
        "Scripts in names, control characters in logs and terminals",
        "They are inert everywhere.",
        (
            "cli/test_printable.py::test_lines_and_notes_hold_no_control_characters",
            "cli/test_printable.py::test_errors_are_one_harmless_line",
        ),
    ),
    32: Item(
        "No face, several, tiny ones, and minors",
        "A message says what to do, the visitor chooses, and an age gate asks a guardian.",
        (
            "web/test_visit.py::test_photos_without_a_face_and_other_files_are_refused",
            "web/test_visit.py::test_two_friends_in_one_photo",
            "faces/test_detect.py::test_each_failure_has_its_error_and_a_hint",
        ),
    ),
    33: Item(
        "Consent missing or withdrawn, deletion during work or before a crash",
        "A search of every byte finds no trace, and the next start finishes.",
        (
            "web/test_privacy.py::test_after_the_end_no_byte_is_left",
            "web/test_privacy.py::test_erased_during_an_encoding",
            "web/test_full_disk.py::test_erasing_goes_on_after_the_end_of_the_server_and_its_next_start",
            "store/test_visit_store.py::test_erasing_that_a_crash_interrupted_is_finished_at_the_next_start",
        ),
    ),
    34: Item(
        "Clock jumps, read-only and odd folders, a second server, a port in use",
        "A clear message, or no effect.",
        (
            "web/test_attacks.py::test_a_second_booth_on_a_folder_ends_with_one_line",
            "web/test_restart.py::test_a_folder_has_one_server",
            "cli/test_booth_command.py::test_a_port_in_use_is_refused",
            "assets/test_pull.py::test_unwritable_home",
        ),
    ),
    35: Item(
        "Impossible numbers, unknown names, random requests",
        "They are answered 4xx with the limits, never 5xx.",
        (
            "web/test_api_schema.py::test_no_request_breaks_the_server",
            "web/test_visit.py::test_impossible_sliders_are_refused",
            "web/test_attacks.py::test_numbers_of_thousands_of_digits_are_refused",
            "bench/test_fuzz_targets.py::test_seeds_and_mutations_are_read",
        ),
    ),
    36: Item(
        "Anything that would reach another machine",
        "The tests run without a network, and pages load nothing from other sites.",
        (
            "web/test_security.py::test_pages_load_nothing_from_other_sites",
            "web/test_api.py::test_the_reference_page_loads_nothing_from_other_sites",
        ),
    ),
    37: Item(
        "Pictures and films that leave",
        "Each carries the marks of AI-made media, which are read back.",
        (
            "images/test_save.py::test_ai_mark",
            "marks/test_source_type.py::test_our_own_marks_are_read",
            "marks/test_watermark.py::test_the_payload_is_read_back",
            "marks/test_signing.py::test_credentials_are_valid_and_say_what_was_done",
        ),
    ),
}
"""Every item by its number."""


def numbers_of(file: Path, name: str) -> list[int]:
    """Return the items that a test elsewhere covers; `name` may have parameters in brackets."""
    if not file.is_relative_to(ROOT / "tests"):
        return []
    test = f"{file.relative_to(ROOT / 'tests').as_posix()}::{name.partition('[')[0]}"
    return [number for number, item in ITEMS.items() if test in item.tests]


def find_tests(folder: Path) -> dict[str, list[int]]:
    """Return every test below a folder, as `file::name`, with the items that its own markers name."""
    found = {}
    for file in folder.rglob("test_*.py"):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                name = f"{file.relative_to(ROOT / 'tests').as_posix()}::{node.name}"
                found[name] = [_marked_number(mark) for mark in node.decorator_list if _marked_number(mark)]
    return found


def _marked_number(mark: ast.expr) -> int:
    """Return the number in `@pytest.mark.abuse(number)`, or 0."""
    is_call = isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.abuse"
    return int(ast.literal_eval(mark.args[0])) if is_call and isinstance(mark, ast.Call) else 0
