"""A picture's way through the pipeline, and its failures."""

import io
import resource
from datetime import timedelta
from pathlib import Path

import pytest
from django.db.models.functions import Now

from analysis import pipeline, tasks
from analysis.curation import verdicts
from analysis.ingest.validation import InvalidImage
from analysis.models import Analysis, Call, Image, ImageLabel, Label, LabelAlias, Outage, PendingBlob
from analysis.permissions import viewer_of
from analysis.recognition.retries import MAX_ATTEMPTS
from analysis.search.results import page
from analysis.search.syntax.parser import parse
from analysis.storage import blobs
from tests import pictures, rekognition_responses
from tests.factories import create_analysis, create_image, create_label, create_labeled_image, label_rows, labels_answer

pytestmark = pytest.mark.django_db


def receive(owner, content: bytes | None = None, name="dog.jpg"):
    return pipeline.ingest_file(io.BytesIO(content or pictures.jpeg()), name=name, owner_id=owner.pk)


def work():
    """Run a worker until no analysis is due."""
    tasks.run_recognition(recognizer="rekognition", api="labels")


def make_due():
    """Make all queued analyses and probes due."""
    past = Now() - timedelta(seconds=1)
    Analysis.objects.filter(state="queued").update(next_attempt_at=past)
    Outage.objects.update(probe_at=past)


def analyses() -> list[Analysis]:
    return list(Analysis.objects.order_by("pk"))


def files_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def pushed(django_capture_on_commit_callbacks, rekognition):
    """A picture that was received, its analysis queued but not announced."""

    def push(owner):
        return receive(owner).image, analyses()[-1]

    return push


def test_image_is_stored_with_renditions_and_queued(owner, rekognition, pictures_folder):
    added = receive(owner, pictures.jpeg(1200, 900), name="../../my <b>dog.jpg")
    image = Image.objects.get()
    assert (added.is_new, added.image, image.filename) == (True, image, "my <b>dog.jpg")
    assert (image.width, image.height, image.format, image.owner) == (1200, 900, "jpeg", owner)
    assert image.visibility == Image.Visibility.PRIVATE
    keys = {image.key, *(blobs.rendition_key(image.renditions_id, name) for name in ("thumb", "preview"))}
    assert files_in(pictures_folder) == keys
    assert not any("dog" in key for key in keys)
    assert not PendingBlob.objects.exists()
    assert [(analysis.api, analysis.state, analysis.recognizer) for analysis in analyses()] == [
        ("labels", "queued", "rekognition")
    ]


def test_same_bytes_are_one_image_per_owner(owner, colleague, rekognition, pictures_folder):
    first, again, others = receive(owner), receive(owner, name="copy.jpg"), receive(colleague)
    assert (again.is_new, again.image) == (False, first.image)
    assert others.is_new
    assert len(files_in(pictures_folder)) == 6
    assert Analysis.objects.count() == 2


def test_refused_file_leaves_nothing(owner, rekognition, pictures_folder):
    with pytest.raises(InvalidImage, match=r"^note\.jpg: "):
        receive(owner, pictures.text_as_jpg(), name="note.jpg")
    assert not Image.objects.exists()
    assert not PendingBlob.objects.exists()
    assert not pictures_folder.exists()


def test_full_storage_leaves_nothing(owner, rekognition, pictures_folder):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, before[1]))  # the kernel refuses every byte beyond
    try:
        with pytest.raises(blobs.StorageError, match="The file could not be stored: File too large"):
            receive(owner, pictures.jpeg(400, 300))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not Image.objects.exists()
    assert not PendingBlob.objects.exists()
    assert files_in(pictures_folder) == set()


def test_failing_storage_leaves_nothing(owner, rekognition, pictures_folder):
    """The renditions' folder is a file: the original is written, the thumb cannot be."""
    pictures_folder.mkdir()
    (pictures_folder / "renditions").write_text("in the way")
    with pytest.raises(blobs.StorageError, match="The file could not be stored: "):
        receive(owner)
    assert not Image.objects.exists()
    assert files_in(pictures_folder) == {"renditions"}


def test_files_left_by_a_crash_are_swept(owner, rekognition, pictures_folder):
    blobs.register_pending(["originals/aa/lost.jpg", "originals/aa/never-written.jpg"])
    blobs.put("originals/aa/lost.jpg", b"half a pict")
    stored = receive(owner).image
    tasks.delete_expired()
    assert "originals/aa/lost.jpg" in files_in(pictures_folder)  # may be under way
    PendingBlob.objects.update(since=Now() - timedelta(hours=2))
    tasks.delete_expired()
    assert not PendingBlob.objects.exists()
    assert stored.key in files_in(pictures_folder)
    assert len(files_in(pictures_folder)) == 3


def test_many_files_are_swept_in_one_run(owner, pictures_folder):
    """As many as are left when pictures were deleted during a backup."""
    since = Now() - timedelta(hours=2)
    PendingBlob.objects.bulk_create(PendingBlob(key=f"originals/aa/{key}.jpg", since=since) for key in range(1_001))
    tasks.delete_expired()
    assert PendingBlob.objects.count() == 0


def test_response_is_saved_as_received_and_image_is_found(owner, rekognition, pushed):
    answer = rekognition_responses.labels()
    answer.pop("ResponseMetadata", None)
    rekognition.answers = [answer]
    image, analysis = pushed(owner)
    work()
    analysis.refresh_from_db()
    assert (analysis.state, analysis.is_current, analysis.attempts) == ("done", True, 1)
    assert (analysis.answer, analysis.model_version) == (answer, answer["LabelModelVersion"])
    assert (analysis.request_id, analysis.claimed_until) == ("request-1", None)
    first = answer["Labels"][0]
    assert page(parse(f'"{first["Name"]}"'), viewer=viewer_of(owner)).images == [image]
    label = Label.objects.get(kind="label", name=first["Name"])
    row = ImageLabel.objects.get(image=image, label=label)
    assert (row.confidence, row.instance_count) == (round(first["Confidence"] * 100), len(first["Instances"]))
    assert {parent.name for parent in label.parents.all()} == {parent["Name"] for parent in first["Parents"]}
    assert {alias.name for alias in label.aliases.all()} == {alias["Name"] for alias in first["Aliases"]}


def test_second_message_for_an_analysis_sends_no_request(owner, rekognition, pushed):
    _, _analysis = pushed(owner)
    work()
    work()
    work()
    assert len(rekognition.requests) == 1


@pytest.mark.parametrize("code", ["ThrottlingException", "ProvisionedThroughputExceededException"])
def test_throttled_analysis_is_retried_later(owner, rekognition, pushed, code):
    rekognition.answers = [(400, code)]
    _, analysis = pushed(owner)
    work()
    analysis.refresh_from_db()
    assert (analysis.state, analysis.attempts, analysis.error_code) == ("queued", 0, code)
    assert "labels" in analysis.error_message.lower()
    assert analysis.next_attempt_at > analysis.requested_at


def test_analysis_throttled_for_too_long_fails_and_can_be_retried(owner, rekognition, pushed):
    rekognition.answers = [(500, "InternalServerError")] * MAX_ATTEMPTS + [labels_answer(Dog=98)]
    image, analysis = pushed(owner)
    for _ in range(MAX_ATTEMPTS + 1):
        make_due()
        work()
    analysis.refresh_from_db()
    assert (analysis.state, analysis.is_permanent, analysis.error_code) == ("failed", False, "InternalServerError")
    assert len(rekognition.requests) == MAX_ATTEMPTS
    assert pipeline.request_analysis(image_ids=[analysis.image_id], apis=[analysis.api]) == 1
    work()
    assert [call.outcome for call in Call.objects.order_by("pk")] == ["failed"] * MAX_ATTEMPTS + ["answered"]
    assert label_rows(image) == {"Dog": 98}
    assert [analysis.state for analysis in analyses()] == ["failed", "done"]


def test_unreadable_image_fails_permanently(owner, rekognition, pushed):
    rekognition.answers = [(400, "InvalidImageFormatException")]
    _, analysis = pushed(owner)
    work()
    make_due()
    work()  # converted
    analysis.refresh_from_db()
    assert (analysis.state, analysis.is_permanent, len(rekognition.requests)) == ("failed", True, 2)
    assert analysis.error_code == "InvalidImageFormatException"


def test_unavailable_recognizer_leaves_analyses_queued(owner, rekognition, pushed):
    rekognition.answers = [(400, "AccessDeniedException"), labels_answer(Dog=98)]
    _, analysis = pushed(owner)
    work()
    analysis.refresh_from_db()
    assert (analysis.state, analysis.error_code) == ("queued", "AccessDeniedException")
    assert "rekognition:DetectLabels" in analysis.error_message
    assert [(outage.api, outage.code) for outage in Outage.objects.all()] == [("labels", "AccessDeniedException")]
    work()
    assert len(rekognition.requests) == 1  # no requests before it is time for a probe
    make_due()
    work()
    assert not Outage.objects.exists()
    analysis.refresh_from_db()
    assert (analysis.state, analysis.error_code) == ("done", "")


def test_missing_original_fails_with_its_key(owner, rekognition, pushed):
    image, analysis = pushed(owner)
    blobs.storage().delete(image.key)
    work()
    analysis.refresh_from_db()
    assert (analysis.state, analysis.error_code) == ("failed", "original-missing")
    assert analysis.error_message.startswith("dog.jpg: ")
    assert rekognition.requests == []


def test_image_deleted_during_analysis_leaves_nothing(owner, rekognition, pushed, pictures_folder):
    from analysis.library import removal

    image, _analysis = pushed(owner)
    removal.remove_image(image)
    work()
    assert (Image.objects.count(), Analysis.objects.count(), ImageLabel.objects.count()) == (0, 0, 0)


def test_second_analysis_replaces_only_detected_labels(owner, rekognition, pushed):
    rekognition.answers = [labels_answer(Dog=98, Wolf=60, Grass=90)]
    image, _first = pushed(owner)
    work()
    for name, decision in (("Wolf", "rejected"), ("Grass", "confirmed"), ("Bench", "added")):
        verdicts.decide(image.pk, label_id=create_label(name).pk, decision=decision, by_id=owner.pk)
    assert label_rows(image) == {"Dog": 98, "Grass": 100, "Bench": 100}
    rekognition.answers = [labels_answer(Husky=97, Wolf=99)]
    pipeline.request_analysis(image_ids=[image.pk], is_forced=True)
    work()
    assert label_rows(image) == {"Husky": 97, "Grass": 100, "Bench": 100}
    assert [(analysis.state, analysis.is_current) for analysis in analyses()] == [("done", False), ("done", True)]
    verdicts.delete_verdict(image.verdicts.get(label__name="Wolf"), by_id=image.owner_id)
    assert label_rows(image) == {"Husky": 97, "Wolf": 99, "Grass": 100, "Bench": 100}


def test_pinned_result_stays_current_and_sample_never_is(owner, rekognition):
    image = create_labeled_image(owner, {"Dog": 98})
    Analysis.objects.update(is_pinned=True)
    rekognition.answers = [labels_answer(Cat=98)]
    pipeline.request_analysis(image_ids=[image.pk], is_forced=True)
    work()
    assert label_rows(image) == {"Dog": 98}
    Analysis.objects.update(is_pinned=False)
    pipeline.request_analysis(image_ids=[image.pk], is_forced=True)
    Analysis.objects.filter(state="queued").update(is_sample=True)
    work()
    assert label_rows(image) == {"Dog": 98}


def test_sweeper_finds_due_work_and_releases_expired_claims(owner):
    from analysis.recognition.claims import apis_with_due_work

    create_analysis(create_image(owner), recognizer="rekognition", next_attempt_at=Now() + timedelta(minutes=1))
    create_analysis(create_image(owner), api="faces", state="running", attempts=1)
    assert apis_with_due_work() == []
    abandoned = create_analysis(create_image(owner), api="text", state="running", attempts=1)
    cursed = create_analysis(create_image(owner), api="text", state="running", attempts=MAX_ATTEMPTS)
    Analysis.objects.filter(pk__in=[abandoned.pk, cursed.pk]).update(claimed_until=Now() - timedelta(seconds=1))
    assert apis_with_due_work() == [("local", "text")]
    assert [analysis.state for analysis in analyses()] == ["queued", "running", "queued", "failed"]
    cursed.refresh_from_db()
    assert (cursed.error_code, cursed.is_permanent) == ("worker-lost", False)


def test_only_the_holder_of_a_claim_can_finish_it(owner):
    slow = create_analysis(create_image(owner), state="running", attempts=1)
    Analysis.objects.update(claimed_until=Now() + timedelta(hours=1), attempts=2)  # someone else's by now
    slow.mark_failed(code="late", message="Too late.", is_permanent=False)
    slow.refresh_from_db()
    assert slow.state == "running"


def test_missing_rendition_is_rendered_again(owner, rekognition, pictures_folder):
    from analysis.storage import renditions

    image = receive(owner).image
    with renditions.read(image, "thumb") as thumb:
        before = thumb.read()
    blobs.storage().delete(blobs.rendition_key(image.renditions_id, "thumb"))
    with renditions.read(image, "thumb") as thumb:
        assert thumb.read() == before
    assert len(files_in(pictures_folder)) == 3


def test_aliases_are_found_and_labels_keep_their_names(owner, rekognition, pushed):
    rekognition.answers = [
        {
            "Labels": [{"Name": "Mobile Phone", "Confidence": 99, "Aliases": [{"Name": "Cell Phone"}]}],
            "LabelModelVersion": "3.0",
        }
    ]
    image, _analysis = pushed(owner)
    work()
    assert LabelAlias.objects.get().name == "Cell Phone"
    assert page(parse('"cell phone"'), viewer=viewer_of(owner)).images == [image]


def test_existing_label_gets_details_of_the_response(owner, rekognition, pushed):
    create_label("Person")
    rekognition.answers = [rekognition_responses.labels()]
    pushed(owner)
    work()
    person = Label.objects.get(kind="label", name="Person")
    assert ([alias.name for alias in person.aliases.all()], person.category) == (["Human"], "Person Description")


@pytest.mark.django_db(transaction=True)
def test_label_that_was_deleted_gets_its_details_again(owner, rekognition, pushed):
    rekognition.answers = [rekognition_responses.labels(), rekognition_responses.labels()]
    for _ in range(2):
        Label.objects.all().delete()
        pushed(owner)
        work()
        person = Label.objects.get(kind="label", name="Person")
        assert ([alias.name for alias in person.aliases.all()], person.category) == (["Human"], "Person Description")
        Image.objects.all().delete()
