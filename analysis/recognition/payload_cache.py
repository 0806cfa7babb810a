"""Caches payloads, so that an image is prepared only once for all its APIs."""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import Future
from typing import TypeAlias

from analysis.aws.object_refs import S3Object
from analysis.models import Image
from analysis.storage import renditions

MAX_BYTES = 32 * 2**20

# Bucket, key and ETag of the original, and whether the original itself may be sent.
Key: TypeAlias = tuple[int | None, str, str, bool]


class PayloadCache:
    """A cache of up to MAX_BYTES.

    Threads that need a payload that another one is preparing wait for it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._prepared: OrderedDict[Key, Future[bytes]] = OrderedDict()
        self._bytes = 0

    def get(self, image: Image, *, as_is: bool) -> bytes | S3Object:
        """The bytes to send, or a reference to the original in S3 (`as_is`).

        Raises blobs.StorageError or ingest's InvalidImage, in each waiting thread.
        """
        if as_is and (reference := renditions.reference_for_recognition(image)):
            return reference
        key = image.bucket_id, image.key, image.etag, as_is
        with self._lock:
            future, is_new = self._prepared.get(key), False
            if future is None:
                future, is_new = self._prepared.setdefault(key, Future()), True
        return self._prepare(key, future, image) if is_new else future.result()

    def _prepare(self, key: Key, future: Future[bytes], image: Image) -> bytes:
        try:
            payload = renditions.for_recognition(image, as_is=key[-1])
        except BaseException as error:
            with self._lock:
                self._prepared.pop(key)  # errors are not cached: the next attempt may succeed
            future.set_exception(error)
            raise
        future.set_result(payload)
        with self._lock:
            self._bytes += len(payload)
            if self._bytes > MAX_BYTES:
                self._evict()
        return payload

    def _evict(self) -> None:
        """Remove the oldest finished payloads until the rest fits."""
        # Not those in preparation: their size is unknown, and threads wait for them.
        for key in [key for key, future in self._prepared.items() if future.done()]:
            if self._bytes <= MAX_BYTES:
                break
            self._bytes -= len(self._prepared.pop(key).result())
