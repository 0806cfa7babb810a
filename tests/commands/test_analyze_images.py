"""analyze_images: start, follow, pause, resume and cancel bulk runs."""

import json
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from analysis.batches import lifecycle, queueing
from analysis.models import Analysis, Batch
from analysis.recognition import engine_runner
from tests import pictures
from tests.factories import create_analysis, create_image, labels_answer

pytestmark = pytest.mark.django_db


def output_of(*arguments, status=None):
    """Run the command, which must exit with `status`; returns its output."""
    out = StringIO()
    if status is None:
        call_command("analyze_images", *arguments, stdout=out)
    else:
        with pytest.raises(SystemExit) as exit_info:
            call_command("analyze_images", *arguments, stdout=out)
        assert exit_info.value.code == status
    return out.getvalue()


def error_of(*arguments):
    with pytest.raises(CommandError) as caught:
        call_command("analyze_images", *arguments)
    return str(caught.value), caught.value.returncode


def objects(text):
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def no_terminal(monkeypatch):
    monkeypatch.setattr("sys.stdin", StringIO())


def test_detach_starts_run_and_exits(owner):
    create_image(owner)
    text = output_of("--detach")
    batch = Batch.objects.get()
    assert text.splitlines() == [
        "1 of 1 picture to analyze:",
        "  faces       1 call, 0 from cache",
        "  labels      1 call, 0 from cache",
        "  text        1 call, 0 from cache",
        f"Bulk run {batch.pk} started in the background. "
        f"To see its progress, run: manage.py analyze_images --status {batch.pk}",
    ]
    assert (batch.state, batch.scope, batch.all_owners, batch.expected) == ("running", "missing", True, 3)


def test_dry_run_estimates_and_saves_nothing(owner, rekognition, settings):
    settings.REKOGNITION_QUOTA = {"labels": "5"}
    for _ in range(20):
        create_image(owner)
    text = output_of("--dry-run", "--budget", "0.01")
    assert text.splitlines() == [
        "20 of 20 pictures to analyze:",
        "  labels      20 calls, 0 from cache, $0.04, about 4 seconds",
        "Costs at most $0.04.",
        "The run will stop before that, when its budget of $0.01 is spent.",
    ]
    assert (Batch.objects.count(), Analysis.objects.count(), rekognition.requests) == (0, 0, [])


def test_dry_run_of_id_list_saves_nothing(owner, tmp_path):
    image, _ = create_image(owner), create_image(owner)
    file = tmp_path / "ids.txt"
    file.write_text(f"{image.pk}\n\n{image.pk}\n")
    (report,) = objects(output_of("--ids", str(file), "--dry-run", "--json"))
    assert (report["pictures"], report["images"], report["analyses"], Batch.objects.count()) == (1, 1, 3, 0)


@pytest.mark.usefixtures("no_terminal")
def test_paid_run_needs_confirmation(owner, rekognition):
    create_image(owner)
    assert error_of() == ("Refusing to start a paid run without confirmation; pass --yes or --dry-run.", 2)
    assert error_of("--json") == ("Refusing to start a paid run without confirmation; pass --yes or --dry-run.", 2)
    assert (Batch.objects.count(), rekognition.requests) == (0, [])


def test_options_are_saved_in_batch(owner, rekognition, tmp_path):
    image = create_image(owner)
    file = tmp_path / "ids.txt"
    file.write_text(f"{image.pk}\n")
    output_of(
        *("--ids", str(file), "--apis", "faces, labels", "--min-confidence", "80", "--max-labels", "7"),
        *("--limit", "9", "--budget", "20", "--rate", "2.5", "--force", "--since", "2026-01-01"),
        *("--mail", "owner@example.org", "--yes", "--detach"),
    )
    batch = Batch.objects.get()
    assert (batch.scope, batch.limit, batch.budget, batch.rate) == ("all", 9, Decimal(20), 2.5)
    assert (batch.is_forced, batch.mail_to, batch.since.isoformat()) == (
        True,
        "owner@example.org",
        "2026-01-01T00:00:00+00:00",
    )
    assert list(batch.named.values_list("image_id", flat=True)) == [image.pk]
    assert batch.apis == ["faces", "labels"]
    assert (batch.parameters["labels"]["max_labels"], batch.parameters["labels"]["min_confidence"]) == (7, 80)


@pytest.mark.parametrize(
    ("arguments", "scope"),
    [
        ([], "missing"),
        (["dog"], "all"),
        (["--missing", "dog"], "missing"),
        (["--all"], "all"),
        (["--failed"], "failed"),
        (["--error-code", "original-missing"], "failed"),
        (["--model-older-than", "3.1"], "outdated"),
    ],
)
def test_options_choose_scope(db, arguments, scope):
    output_of(*arguments, "--yes", "--detach")
    assert Batch.objects.get().scope == scope


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--apis", "celebrities"], "local does not support celebrities. Choose from labels, faces, text."),
        (["--apis", "labels,smell"], "local does not support smell. Choose from labels, faces, text."),
        (["--apis", " ,"], "Choose at least one API of local: labels, faces, text."),
        (["dog", "("], "Invalid search, column 5: Unclosed parenthesis."),
        (["--limit", "0"], "The limit must be at least 1 picture, not 0."),
        (["--budget", "-1"], "The budget must be from $0.00 to $100,000.00, not -1."),
        (["--status", "99"], "There is no bulk run 99."),
        (["--dry-run", "--sample", "3"], "--dry-run can't be combined with --sample, which calls the recognizer."),
        (["--model-older-than", "3" * 41], f"'{'3' * 41}' is not a model version."),
        (["--error-code", "x" * 81], f"'{'x' * 60}' is not an error code."),
        (["--ids", "/nowhere/ids.txt"], "--ids: /nowhere/ids.txt: No such file or directory"),
    ],
)
def test_wrong_usage(db, arguments, message):
    assert error_of(*arguments) == (message, 2)
    assert Batch.objects.count() == 0


def test_ids_are_read_from_stdin(owner, rekognition, monkeypatch):
    image = create_image(owner)
    monkeypatch.setattr("sys.stdin", StringIO(f"{image.pk}\n"))
    assert error_of("--ids", "-")[1] == 2  # stdin is used up, so there is no confirmation
    monkeypatch.setattr("sys.stdin", StringIO(f"{image.pk}\n"))
    output_of("--ids", "-", "--yes", "--detach")
    assert list(Batch.objects.get().named.values_list("image_id", flat=True)) == [image.pk]


def test_picture_as_id_file_is_refused(db, tmp_path):
    file = tmp_path / "dog.jpg"
    file.write_bytes(pictures.jpeg())
    assert error_of("--ids", str(file))[0].startswith("--ids: line 1 is ")


def test_estimate_and_sample_cost_reach_run_of_id_list(owner, rekognition, monkeypatch, tmp_path):
    from analysis.management import batch_progress
    from analysis.storage import blobs

    image = create_image(owner)
    blobs.put(image.key, pictures.jpeg())
    file = tmp_path / "ids.txt"
    file.write_text(f"{image.pk}\n")
    monkeypatch.setattr(batch_progress, "sleep", lambda _: _work())
    output_of("--ids", str(file), "--sample", "1", "--budget", "0.01", "--yes", "--detach")
    batch = Batch.objects.get(is_sample=False)
    assert (batch.expected, batch.budget) == (1, Decimal("0.0079"))


@pytest.mark.parametrize("budget", ["NaN", "Infinity", "1e30", "-5"])
def test_invalid_budget_does_not_resume(db, rekognition, budget):
    batch = Batch.objects.create(state="paused", recognizer="rekognition", parameters={"labels": {}})
    assert error_of("--resume", str(batch.pk), f"--budget={budget}")[1] == 2
    batch.refresh_from_db()
    assert (batch.state, batch.budget) == ("paused", None)


def test_invalid_line_of_id_file_is_named(db, tmp_path):
    file = tmp_path / "ids.txt"
    file.write_text("12\ndog.jpg\n")
    assert error_of("--ids", str(file)) == ("--ids: line 2 is not a picture ID: 'dog.jpg'", 2)
    assert Batch.objects.count() == 0


def test_status_pause_resume_and_cancel(owner, rekognition):
    create_image(owner)
    output_of("--yes", "--detach")
    batch = Batch.objects.get()
    number = str(batch.pk)
    queueing.queue_next(batch.pk)
    (report,) = objects(output_of("--status", number, "--json", status=0))
    assert (report["state"], report["queued"], report["waiting"], report["is_done"]) == ("running", 1, 1, True)
    assert output_of("--pause", number, status=0).splitlines()[0] == f"Bulk run {number}: paused."
    assert output_of("--pause", number, status=1).splitlines()[0] == "It was not running."
    output_of("--resume", number, "--detach", "--budget", "5", status=0)
    batch.refresh_from_db()
    assert (batch.state, batch.budget) == ("running", Decimal(5))
    assert output_of("--cancel", number, status=0).splitlines()[0] == f"Bulk run {number}: canceled."
    assert output_of("--resume", number, status=1).splitlines()[0] == "It is not paused or stopped."


@pytest.mark.parametrize(("failed", "status"), [(0, 0), (1, 1)])
def test_waits_for_end_and_reports(owner, rekognition, failed, status, monkeypatch):
    # Instead of sleeping between two polls, this process does the work of a worker.
    from analysis.management import batch_progress
    from analysis.storage import blobs

    for number in range(2):
        image = create_image(owner)
        if number >= failed:
            blobs.put(image.key, pictures.jpeg(seed=number))
    monkeypatch.setattr(batch_progress, "sleep", lambda _: _work())
    text = output_of("--yes", status=status)
    assert f"{2 - failed} done (0 from cache), {failed} failed, 0 waiting." in text
    assert ("Retry: manage.py analyze_images --failed --error-code original-missing" in text) is bool(failed)


def _work():
    for batch in Batch.objects.filter(state="running"):
        queueing.queue_next(batch.pk)
        engine_runner.run(batch.recognizer, "labels")


def test_sample_lists_gained_and_lost_labels(owner, rekognition, monkeypatch):
    from analysis.management import batch_progress
    from analysis.storage import blobs

    image = create_image(owner)
    blobs.put(image.key, pictures.jpeg())
    create_analysis(
        image, state="done", recognizer="rekognition", answer=labels_answer(Dog=90, Wolf=60), model_version="2.0"
    )
    rekognition.answers = [labels_answer(Dog=95, Pet=80)]
    monkeypatch.setattr(batch_progress, "sleep", lambda _: _work())
    lines = objects(output_of("--all", "--sample", "5", "--yes", "--json", "--budget", "0.01", "--detach"))
    (difference,) = (line for line in lines if "sampled" in line)
    assert (difference["sampled"], difference["gained"], difference["lost"], difference["moved"]) == (
        1,
        {"Pet": 1},
        {"Wolf": 1},
        {"Dog": 1},
    )
    assert [analysis.model_version for analysis in Analysis.objects.filter(is_current=True)] == ["2.0"]
    assert Batch.objects.get(is_sample=False).budget == Decimal("0.0079")  # less the cost of the sample


def test_ctrl_c_pauses_run_and_names_resume_command(owner, rekognition, monkeypatch):
    from analysis.management import batch_progress

    def interrupt(_seconds):
        raise KeyboardInterrupt

    create_image(owner)
    monkeypatch.setattr(batch_progress, "sleep", interrupt)
    text = output_of("--yes", status=130)
    batch = Batch.objects.get()
    assert text.splitlines()[-1].endswith(f"Resume with: manage.py analyze_images --resume {batch.pk}")
    assert batch.state == "paused"


def test_spent_budget_exits_with_3(owner, rekognition, monkeypatch):
    from analysis.management import batch_progress

    create_image(owner)
    monkeypatch.setattr(batch_progress, "sleep", lambda _: (_work(), lifecycle.advance_batches()))
    text = output_of("--yes", "--budget", "0", status=3)
    assert text.splitlines()[0].endswith("stopped by budget. Its budget of $0.00 is spent.")
    assert (
        text.splitlines()[-1]
        == f"Resume with: manage.py analyze_images --resume {Batch.objects.get().pk} --budget USD, with a higher budget"
    )


def test_schedule_passes_options_to_command(owner, rekognition, settings):
    from analysis import tasks

    settings.ANALYZE_OPTIONS = "--all --budget 20 -- -dog"
    tasks.analyze_on_schedule()
    batch = Batch.objects.get()
    assert (batch.scope, batch.budget, batch.state, batch.query) == ("all", Decimal(20), "running", "-dog")
