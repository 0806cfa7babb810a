"""Concurrent batches, and resume of a fully queued batch."""

import threading

import pytest
from django.db import connection, transaction

from analysis import pipeline
from analysis.batches import lifecycle, queueing, report, start_tokens
from analysis.batches.options import build_batch
from analysis.models import Analysis, Batch
from tests.factories import create_image


def create_batch() -> Batch:
    batch = build_batch(all_owners=True)
    pipeline.run_batch(batch)
    return batch


@pytest.mark.django_db
def test_resume_of_fully_queued_batch_starts_workers(owner):
    for _ in range(3):
        create_image(owner)
    batch = create_batch()
    apis = queueing.queue_next(batch.pk)
    assert "labels" in apis
    assert queueing.queue_next(batch.pk) == apis  # the announcement may have been lost
    lifecycle.pause(batch.pk)
    assert queueing.queue_next(batch.pk) == []
    pipeline.resume_batch(batch.pk)
    batch.refresh_from_db()
    assert (batch.is_fully_queued, queueing.queue_next(batch.pk)) == (True, apis)


def has_waiting_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted)")
        return bool(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_second_of_two_concurrent_runs_reports_skipped_analyses(owner, settings):
    settings.RECOGNIZER_APIS = ["labels"]
    for _ in range(3):
        create_image(owner)
    first, second = create_batch(), create_batch()

    def lay_out_second() -> None:
        try:
            queueing.queue_next(second.pk)
        finally:
            connection.close()

    other = threading.Thread(target=lay_out_second)
    with transaction.atomic():
        queueing.queue_next(first.pk)
        other.start()
        while other.is_alive() and not has_waiting_lock():
            other.join(0.01)
    other.join()
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.queued, first.skipped, second.queued, second.skipped) == (3, 0, 0, 3)
    assert "Skipped 3 analyses already in progress in another bulk run" in "\n".join(report.report_lines(second.pk))
    assert Analysis.objects.filter(batch=first).count() == 3


@pytest.mark.django_db(transaction=True)
def test_form_submitted_twice_at_once_starts_one_run(owner, settings):
    settings.RECOGNIZER_APIS = ["labels"]
    create_image(owner)
    token, results = start_tokens.new_token(), []

    def submit() -> None:
        try:
            results.append(pipeline.start_once(build_batch(person_id=owner.pk), token=token))
        finally:
            connection.close()

    other = threading.Thread(target=submit)
    with transaction.atomic():
        first, is_first = pipeline.start_once(build_batch(person_id=owner.pk), token=token)
        other.start()
        while other.is_alive() and not has_waiting_lock():
            other.join(0.01)
    other.join()
    assert (is_first, [(batch.pk, is_new) for batch, is_new in results]) == (True, [(first.pk, False)])
    assert Batch.objects.count() == 1
