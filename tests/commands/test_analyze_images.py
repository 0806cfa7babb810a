"""The command by which people start, watch and stop a bulk run."""

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


def said(*arguments, status=None):
    """What the command prints; with the exit status it must have."""
    out = StringIO()
    if status is None:
        call_command("analyze_images", *arguments, stdout=out)
    else:
        with pytest.raises(SystemExit) as ended:
            call_command("analyze_images", *arguments, stdout=out)
        assert ended.value.code == status
    return out.getvalue()


def refused(*arguments):
    with pytest.raises(CommandError) as caught:
        call_command("analyze_images", *arguments)
    return str(caught.value), caught.value.returncode


def objects(text):
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def no_terminal(monkeypatch):
    monkeypatch.setattr("sys.stdin", StringIO())


def test_detached_it_starts_and_returns(owner):
    create_image(owner)
    text = said("--detach")
    batch = Batch.objects.get()
    assert text.splitlines() == [
        "1 picture looked at, 1 to be analyzed:",
        "  faces       1 calls, 0 from the store",
        "  labels      1 calls, 0 from the store",
        "  text        1 calls, 0 from the store",
        f"Batch {batch.pk} runs in the background. See: manage.py analyze_images --status {batch.pk}",
    ]
    assert (batch.state, batch.scope, batch.all_owners, batch.expected) == ("running", "missing", True, 3)


def test_a_dry_run_says_what_it_would_come_to_and_leaves_nothing(owner, rekognition, settings):
    settings.REKOGNITION_QUOTA = {"labels": "5"}
    for _ in range(20):
        create_image(owner)
    text = said("--dry-run", "--budget", "0.01")
    assert text.splitlines() == [
        "20 pictures looked at, 20 to be analyzed:",
        "  labels      20 calls, 0 from the store, $0.04, about 4 seconds",
        "Costs at most $0.04.",
        "The run will stop before that, when its budget of $0.01 is spent.",
    ]
    assert (Batch.objects.count(), Analysis.objects.count(), rekognition.requests) == (0, 0, [])


def test_a_dry_run_over_named_ids_leaves_nothing_either(owner, tmp_path):
    image, _ = create_image(owner), create_image(owner)
    file = tmp_path / "ids.txt"
    file.write_text(f"{image.pk}\n\n{image.pk}\n")
    (found,) = objects(said("--ids", str(file), "--dry-run", "--json"))
    assert (found["pictures"], found["images"], found["analyses"], Batch.objects.count()) == (1, 1, 3, 0)


@pytest.mark.usefixtures("no_terminal")
def test_money_is_not_spent_without_a_yes(owner, rekognition):
    create_image(owner)
    assert refused() == ("Nothing was started, since it costs money: add --yes, or --dry-run.", 2)
    assert refused("--json") == ("Nothing was started, since it costs money: add --yes, or --dry-run.", 2)
    assert (Batch.objects.count(), rekognition.requests) == (0, [])


def test_what_is_chosen_and_asked_reaches_the_batch(owner, rekognition, tmp_path):
    image = create_image(owner)
    file = tmp_path / "ids.txt"
    file.write_text(f"{image.pk}\n")
    said(
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
def test_which_pictures_the_options_mean(db, arguments, scope):
    said(*arguments, "--yes", "--detach")
    assert Batch.objects.get().scope == scope


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--apis", "celebrities"], "local does not support celebrities. Choose from labels, faces, text."),
        (["--apis", "labels,smell"], "local does not support smell. Choose from labels, faces, text."),
        (["--apis", " ,"], "Choose at least one API of local: labels, faces, text."),
        (["dog", "("], "Invalid search, column 5: Nothing closes this parenthesis."),
        (["--limit", "0"], "The limit must be at least 1 picture, not 0."),
        (["--budget", "-1"], "The budget must be from $0.00 to $100,000.00, not -1."),
        (["--status", "99"], "There is no batch 99."),
        (["--dry-run", "--sample", "3"], "--dry-run calls nothing and --sample does: leave one out."),
        (["--model-older-than", "3" * 41], f"'{'3' * 41}' is not a model version."),
        (["--error-code", "x" * 81], f"'{'x' * 60}' is not an error code."),
        (["--ids", "/nowhere/ids.txt"], "--ids: /nowhere/ids.txt: No such file or directory"),
    ],
)
def test_wrong_usage(db, arguments, message):
    assert refused(*arguments) == (message, 2)
    assert Batch.objects.count() == 0


def test_ids_are_read_from_the_terminal_too(owner, rekognition, monkeypatch):
    image = create_image(owner)
    monkeypatch.setattr("sys.stdin", StringIO(f"{image.pk}\n"))
    assert refused("--ids", "-")[1] == 2  # counted, but nobody can be asked whether to go on
    monkeypatch.setattr("sys.stdin", StringIO(f"{image.pk}\n"))
    said("--ids", "-", "--yes", "--detach")
    assert list(Batch.objects.get().named.values_list("image_id", flat=True)) == [image.pk]


def test_a_picture_given_for_its_ids_says_so(db, tmp_path):
    file = tmp_path / "dog.jpg"
    file.write_bytes(pictures.jpeg())
    assert refused("--ids", str(file))[0].startswith("--ids: line 1 is ")


def test_what_was_counted_and_what_a_sample_spent_reach_a_run_over_named_ids_too(
    owner, rekognition, monkeypatch, tmp_path
):
    from analysis.management import batch_progress
    from analysis.storage import blobs

    image = create_image(owner)
    blobs.put(image.key, pictures.jpeg())
    file = tmp_path / "ids.txt"
    file.write_text(f"{image.pk}\n")
    monkeypatch.setattr(batch_progress, "sleep", lambda _: _worked())
    said("--ids", str(file), "--sample", "1", "--budget", "0.01", "--yes", "--detach")
    batch = Batch.objects.get(is_sample=False)
    assert (batch.expected, batch.budget) == (1, Decimal("0.0079"))


@pytest.mark.parametrize("budget", ["NaN", "Infinity", "1e30", "-5"])
def test_a_budget_that_is_none_does_not_resume(db, rekognition, budget):
    batch = Batch.objects.create(state="paused", recognizer="rekognition", parameters={"labels": {}})
    assert refused("--resume", str(batch.pk), f"--budget={budget}")[1] == 2
    batch.refresh_from_db()
    assert (batch.state, batch.budget) == ("paused", None)


def test_a_file_that_holds_no_ids_says_where(db, tmp_path):
    file = tmp_path / "ids.txt"
    file.write_text("12\ndog.jpg\n")
    assert refused("--ids", str(file)) == ("--ids: line 2 is 'dog.jpg', which is no picture's id.", 2)
    assert Batch.objects.count() == 0


def test_status_pause_resume_and_cancel_from_another_terminal(owner, rekognition):
    create_image(owner)
    said("--yes", "--detach")
    batch = Batch.objects.get()
    number = str(batch.pk)
    queueing.queue_next(batch.pk)
    (found,) = objects(said("--status", number, "--json", status=0))
    assert (found["state"], found["asked"], found["waiting"], found["is_done"]) == ("running", 1, 1, True)
    assert said("--pause", number, status=0).splitlines()[0] == f"Batch {number}: paused."
    assert said("--pause", number, status=1).splitlines()[0] == "It was not running."
    said("--resume", number, "--detach", "--budget", "5", status=0)
    batch.refresh_from_db()
    assert (batch.state, batch.budget) == ("running", Decimal(5))
    assert said("--cancel", number, status=0).splitlines()[0] == f"Batch {number}: cancelled."
    assert said("--resume", number, status=1).splitlines()[0] == "There was nothing to resume."


@pytest.mark.parametrize(("failed", "status"), [(0, 0), (1, 1)])
def test_it_waits_until_the_end_and_reports(owner, rekognition, failed, status, monkeypatch):
    """Looking on does what a worker would do meanwhile: here it is this process."""
    from analysis.management import batch_progress
    from analysis.storage import blobs

    for number in range(2):
        image = create_image(owner)
        if number >= failed:
            blobs.put(image.key, pictures.jpeg(seed=number))
    monkeypatch.setattr(batch_progress, "sleep", lambda _: _worked())
    text = said("--yes", status=status)
    assert f"{2 - failed} done (0 from cache), {failed} failed, 0 waiting." in text
    assert ("Retry: manage.py analyze_images --failed --error-code original-missing" in text) is bool(failed)


def _worked():
    for batch in Batch.objects.filter(state="running"):
        queueing.queue_next(batch.pk)
        engine_runner.run(batch.recognizer, "labels")


def test_a_sample_shows_what_would_change(owner, rekognition, monkeypatch):
    from analysis.management import batch_progress
    from analysis.storage import blobs

    image = create_image(owner)
    blobs.put(image.key, pictures.jpeg())
    create_analysis(
        image, state="done", recognizer="rekognition", answer=labels_answer(Dog=90, Wolf=60), model_version="2.0"
    )
    rekognition.answers = [labels_answer(Dog=95, Pet=80)]
    monkeypatch.setattr(batch_progress, "sleep", lambda _: _worked())
    found = objects(said("--all", "--sample", "5", "--yes", "--json", "--budget", "0.01", "--detach"))
    (difference,) = (each for each in found if "sampled" in each)
    assert (difference["sampled"], difference["gained"], difference["lost"], difference["moved"]) == (
        1,
        {"Pet": 1},
        {"Wolf": 1},
        {"Dog": 1},
    )
    assert [each.model_version for each in Analysis.objects.filter(is_current=True)] == ["2.0"]
    assert Batch.objects.get(is_sample=False).budget == Decimal("0.0079")  # what the sample left of it


def test_ctrl_c_pauses_and_says_how_to_go_on(owner, rekognition, monkeypatch):
    from analysis.management import batch_progress

    def interrupted(_):
        raise KeyboardInterrupt

    create_image(owner)
    monkeypatch.setattr(batch_progress, "sleep", interrupted)
    text = said("--yes", status=130)
    batch = Batch.objects.get()
    assert text.splitlines()[-1].endswith(f"Go on with: manage.py analyze_images --resume {batch.pk}")
    assert batch.state == "paused"


def test_a_budget_that_runs_out_ends_it_with_3(owner, rekognition, monkeypatch):
    from analysis.management import batch_progress

    create_image(owner)
    monkeypatch.setattr(batch_progress, "sleep", lambda _: (_worked(), lifecycle.advance_batches()))
    text = said("--yes", "--budget", "0", status=3)
    assert text.splitlines()[0].endswith("stopped by budget. Its budget of $0.00 is spent.")
    assert (
        text.splitlines()[-1]
        == f"Resume with: manage.py analyze_images --resume {Batch.objects.get().pk} --budget USD, with a higher budget"
    )


def test_the_schedule_gives_the_options_as_a_person_would(owner, rekognition, settings):
    from analysis import tasks

    settings.ANALYZE_OPTIONS = "--all --budget 20 -- -dog"
    tasks.analyze_on_schedule()
    batch = Batch.objects.get()
    assert (batch.scope, batch.budget, batch.state, batch.query) == ("all", Decimal(20), "running", "-dog")
