import pytest

from tests.commands.test_consume_events import moto, sqs
from tests.recognition.conftest import simulator

__all__ = ["moto", "simulator", "sqs"]


@pytest.fixture
def without_redis(settings):
    """As by REDIS_URL=none; without embeddings, whose model takes a second to load."""
    settings.REDIS = settings.CELERY_BROKER_URL = ""
    settings.HAS_REDIS = settings.SIMILAR_PICTURES = False
