"""All background work in this process, with no Redis and no Celery."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db.models.functions import Now
from django.utils.timezone import now

from analysis import jobs, pipeline, tasks, work
from analysis.batches.options import build_batch
from analysis.delivery import signatures
from analysis.health import services
from analysis.models import Analysis, Bucket, EndedStatistics, Outage, Sink, WorkLease
from analysis.recognition import engine_runner
from analysis.work import Stop, run_lease
from imagelib.celery import start_embedded
from tests import pictures
from tests.delivery.receiver import Receiver
from tests.factories import create_bucket
from tests.recognition.test_engine import states, stored_images
from tests.s3_event_messages import notice, record

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("without_redis")]


def run(*arguments: str) -> tuple[int, str]:
    """Exit status and output of `manage.py work --until-idle`."""
    out = StringIO()
    try:
        call_command("work", "--until-idle", *arguments, stdout=out, stderr=out, no_color=True)
    except SystemExit as end:
        return int(end.code), out.getvalue()
    except CommandError as error:
        return error.returncode, f"{out.getvalue()}{error}"
    return 0, out.getvalue()


def test_everything_that_is_due_is_done(owner, simulator, settings):
    images = stored_images(owner, 20)
    pipeline.request_analysis(image_ids=[image.pk for image in images])
    status, output = run()
    assert (status, states()) == (0, {"done": 20})
    assert "\n20 analyses finished, 0 events, " in f"\n{output}"  # after progress, on a busy machine
    assert output.endswith("All due work is done.\n")
    assert EndedStatistics.objects.filter(owner=owner).exists()
    row = WorkLease.objects.get()
    assert (row.token, row.ended_at > row.started_at) == (None, True)


def test_a_bulk_run_is_queued_analyzed_and_ended(owner, simulator):
    stored_images(owner, 5)
    batch = build_batch(all_owners=True)
    pipeline.run_batch(batch)
    assert run()[0] == 0
    batch.refresh_from_db()
    assert (batch.state, states()) == ("done", {"done": 5})


def test_a_bucket_whose_sync_was_requested_is_imported_and_told_of(owner, simulator, s3, settings):
    settings.DELIVERY_PRIVATE_ADDRESSES = True
    for number in range(3):
        s3.put(f"{number}.jpg", pictures.jpeg(seed=number))
    bucket = create_bucket(owner)
    with Receiver() as receiver:
        Sink.objects.create(name="all", channel="webhook", address=receiver.url, secret=signatures.new_secret())
        pipeline.start_sync(bucket.pk)
        assert Bucket.objects.get().requested_sync == "compare"
        assert run()[0] == 0
    assert (states(), Bucket.objects.get().requested_sync) == ({"done": 3}, "")
    assert {row.json["image"]["file_name"] for row in receiver.received} == {"0.jpg", "1.jpg", "2.jpg"}


def test_an_outage_ends_the_run_and_leaves_the_work(owner, simulator):
    simulator.set(denied=["DetectLabels"])
    pipeline.request_analysis(image_ids=[stored_images(owner, 1)[0].pk])
    assert run()[0] == 0
    assert (Outage.objects.count(), states()) == (1, {"queued": 1})


def test_what_fails_for_a_moment_is_retried_in_the_same_run(owner, simulator):
    pipeline.request_analysis(image_ids=[stored_images(owner, 1)[0].pk])
    Analysis.objects.update(next_attempt_at=Now() + timedelta(seconds=0.5))
    assert (run()[0], states()) == (0, {"done": 1})


def test_a_task_that_fails_is_told_and_stops_no_other(owner, simulator, monkeypatch, caplog):
    pipeline.request_analysis(image_ids=[stored_images(owner, 1)[0].pk])
    with monkeypatch.context() as broken:
        broken.setattr(tasks, "retention", None)
        status, output = run()
    assert (status, states()) == (1, {"done": 1})
    assert "See the log for failures." in output
    assert "analysis.tasks.delete_expired_audit_entries failed" in caplog.text


def test_without_its_redis_everything_but_paid_calls_is_done(owner, simulator, settings):
    settings.REDIS = "redis://127.0.0.1:1/0"
    services._redis.cache_clear()
    engine_runner.reset()
    pipeline.request_analysis(image_ids=[stored_images(owner, 1)[0].pk])
    status, output = run()
    services._redis.cache_clear()
    engine_runner.reset()
    assert (status, states()) == (1, {"queued": 1})
    assert "No paid calls are sent. If this installation has no Redis, set REDIS_URL=none." in output


def test_a_schedule_is_followed_once_for_each_of_its_times(owner, simulator, settings):
    settings.ANALYZE_SCHEDULE, settings.ANALYZE_OPTIONS = "0 * * * *", "--missing"
    stored_images(owner, 1)
    assert (run()[0], states()) == (0, {})  # it begins with the next hour
    WorkLease.objects.update(scheduled_at=now() - timedelta(hours=5))
    assert (run()[0], states()) == (0, {"done": 1})
    assert now() - WorkLease.objects.get().scheduled_at < timedelta(minutes=1)


def test_a_second_run_is_refused_and_the_first_looks_again(owner, capsys):
    with run_lease.acquired(on_loss=pytest.fail) as held:
        status, output = run()
        assert status == 4
        assert "Already running on " in output
        assert "UTC. That run will also do the work due now." in output
        assert not held.release(unless_requested=True)
        assert held.release(unless_requested=True)
    assert run()[0] == 0


def test_the_lease_of_a_killed_run_expires():
    WorkLease.objects.create(
        token="00000000-0000-0000-0000-000000000001", host="old", started_at=now(), expires_at=Now() - run_lease.LEASE
    )
    assert run()[0] == 0


def test_a_lease_far_ahead_is_that_of_a_clock_that_was_wrong():
    WorkLease.objects.create(
        token="00000000-0000-0000-0000-000000000001", started_at=now(), expires_at=now() + timedelta(days=1)
    )
    assert run()[0] == 0


def test_time_limit_ends_it_cleanly(owner, simulator, settings):
    simulator.set(latency=300)
    pipeline.request_analysis(image_ids=[image.pk for image in stored_images(owner, 30)])
    settings.RECOGNITION_THREADS = 1
    status, output = run("--max-seconds", "1")
    assert (status, "Stopped. The next run continues." in output) == (5, True)
    assert Analysis.objects.filter(state="running").count() == 0
    assert 0 < states()["done"] < 30
    assert WorkLease.objects.get().token is None


def test_a_lost_lease_stops_the_run():
    stop = Stop()
    stop.set()
    assert not work.run(stop=stop, until_idle=True).is_idle
    assert not jobs.is_shutting_down()


@pytest.mark.parametrize("seconds", ["0", "-1", "nan"])
def test_nonsense_time_limit_is_refused(seconds):
    status, output = run(f"--max-seconds={seconds}")
    assert (status, output) == (2, "--max-seconds must be greater than 0.")


def test_events_of_the_queue_are_read_and_their_objects_imported(owner, simulator, s3, sqs, settings):
    create_bucket(owner)
    s3.put("a.jpg", pictures.jpeg())
    sqs.send_message(QueueUrl=sqs.events, MessageBody=notice(record("a.jpg")))
    status, output = run()
    assert (status, states()) == (0, {"done": 1}), output
    assert "\n1 analysis finished, 1 events, " in f"\n{output}"
    settings.EVENTS_QUEUE_URL = f"{sqs.events}-nowhere"
    status, output = run()
    assert (status, "See the log for failures." in output) == (1, True)


def test_celery_does_not_start_without_a_broker():
    with pytest.raises(SystemExit, match="There is no broker"):
        start_embedded()
