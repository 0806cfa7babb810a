from django.conf import settings
from kombu import Connection
from redis.exceptions import ConnectionError as Lost

from imagelib.celery import app


def test_what_is_acknowledged_after_the_connection_was_lost_does_not_end_the_worker():
    with Connection(app.conf.broker_url, transport_options=settings.CELERY_BROKER_TRANSPORT_OPTIONS) as connection:
        queue = connection.SimpleQueue("lost")
        queue.put("word")
        message = queue.get(timeout=5)
        connection.collect()  # as the worker does when Redis is gone
        message.channel._disconnect_pools()
        complaints = []
        message.ack_log_error(_Log(complaints), errors=(Lost,))
    assert [type(complaint) for complaint in complaints] == [Lost]


class _Log:
    def __init__(self, complaints: list) -> None:
        self.complaints = complaints

    def critical(self, words, tag, error, **options):
        self.complaints.append(error)
