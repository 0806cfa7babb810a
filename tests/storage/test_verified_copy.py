"""Stored bytes are the examined ones, even if the file is written to."""

import hashlib
import io
import threading

import pytest
from django.core.files.storage import FileSystemStorage

from analysis import pipeline
from analysis.ingest.examine import examine
from analysis.ingest.process_pool import examine_all
from analysis.ingest.validation import Limits
from analysis.library import images
from analysis.models import Image, PendingBlob
from analysis.pipeline.files import store_file
from analysis.storage import blobs
from analysis.storage.verified_copy import FileChanged, verified_copy
from tests import pictures

pytestmark = pytest.mark.django_db


class OverwritingStorage(FileSystemStorage):
    """Someone replaces a file of the import while the storage saves another one."""

    target, content = None, b""

    def save(self, name, content, max_length=None):
        if self.target:
            new = self.target.with_suffix(".new")  # a file of no bytes in between would be refused as empty
            new.write_bytes(self.content)
            new.replace(self.target)
        return super().save(name, content, max_length=max_length)


@pytest.fixture
def overwriting(settings, pictures_folder):
    backend = f"{OverwritingStorage.__module__}.{OverwritingStorage.__qualname__}"
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": backend, "OPTIONS": {"location": pictures_folder}},
    }
    yield OverwritingStorage
    OverwritingStorage.target = None


def stored_sha256(image: Image) -> str:
    with blobs.get(image.key) as file:
        return hashlib.sha256(file.read()).hexdigest()


def test_snapshot_yields_the_bytes_with_the_given_hash():
    content = pictures.jpeg()
    with verified_copy(io.BytesIO(content), sha256=hashlib.sha256(content).hexdigest()) as copy:
        assert copy.read() == content
    with (
        pytest.raises(FileChanged),
        verified_copy(io.BytesIO(content + b"\0"), sha256=hashlib.sha256(content).hexdigest()),
    ):
        pass


@pytest.mark.parametrize("later", [b"<html>not a picture</html>", pictures.jpeg(seed=2)])
def test_file_replaced_after_examination_is_not_stored(owner, pictures_folder, later):
    examined = examine(io.BytesIO(pictures.jpeg(seed=1)), name="dog.jpg")
    with pytest.raises(FileChanged, match="The file changed while it was read"):
        images.add(images.store_files(examined, io.BytesIO(later), owner_id=owner.pk))
    assert not Image.objects.exists()
    assert not PendingBlob.objects.exists()
    assert [path for path in pictures_folder.rglob("*") if path.is_file()] == []


def test_file_replaced_during_an_import_is_examined_again(owner, tmp_path, overwriting):
    first, second = tmp_path / "a.jpg", tmp_path / "b.jpg"
    first.write_bytes(pictures.jpeg(seed=1))
    second.write_bytes(pictures.jpeg(seed=2))
    overwriting.target, overwriting.content = second, pictures.jpeg(seed=3)
    outcomes = list(pipeline.import_files([first, second], owner_id=owner.pk))
    assert [str(outcome.refusal) for outcome in outcomes if outcome.refusal] == []
    images = {image.filename: image for image in Image.objects.all()}
    assert images["b.jpg"].sha256 == hashlib.sha256(pictures.jpeg(seed=3)).hexdigest()
    assert {image.sha256 for image in images.values()} == {stored_sha256(image) for image in images.values()}


def test_file_replaced_by_html_during_an_import_is_refused(owner, tmp_path, overwriting):
    first, second = tmp_path / "a.jpg", tmp_path / "b.jpg"
    first.write_bytes(pictures.jpeg(seed=1))
    second.write_bytes(pictures.jpeg(seed=2))
    overwriting.target, overwriting.content = second, b"<html>moved</html>"
    outcomes = list(pipeline.import_files([first, second], owner_id=owner.pk))
    assert [outcome.refusal.code for outcome in outcomes if outcome.refusal] == ["not-an-image"]
    assert [image.filename for image in Image.objects.all()] == ["a.jpg"]


def test_file_that_is_written_to_without_end_is_refused_with_a_sentence(owner, tmp_path):
    path, is_over = tmp_path / "growing.jpg", threading.Event()
    path.write_bytes(pictures.jpeg())

    def grow():
        with path.open("ab", buffering=0) as file:
            while not is_over.is_set() and file.tell() < 50_000_000:
                file.write(b"\0")

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        for _attempt in range(5):  # a busy machine may give the writer no time while the file is read
            Image.objects.all().delete()
            [outcome] = pipeline.import_files([path], owner_id=owner.pk)
            if outcome.refusal:
                break
    finally:
        is_over.set()
        writer.join()
    assert str(outcome.refusal) == (
        "growing.jpg: the file changed while it was read; import it again when it is complete"
    )
    assert not Image.objects.exists()


def test_file_removed_after_examination_is_unreadable_not_a_failing_storage(owner, tmp_path):
    path = tmp_path / "gone.jpg"
    path.write_bytes(pictures.jpeg())
    [outcome] = examine_all([path], limits=Limits(), processes=1)
    path.unlink()
    refusal = store_file(outcome, owner_id=owner.pk).refusal
    assert str(refusal) == "gone.jpg: the file cannot be read (No such file or directory)"
