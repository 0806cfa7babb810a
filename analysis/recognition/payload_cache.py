"""The bytes that recognizers get, prepared once for all the APIs that ask about a picture at about the same time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import Future
from typing import TypeAlias

from analysis.aws.object_refs import S3Object
from analysis.models import Image
from analysis.storage import renditions

MOST_BYTES = 32 * 2**20

Key: TypeAlias = tuple[int | None, str, str, bool]
"""The bucket, the key in it and its ETag, and whether the original may be taken as it is."""


class PayloadCache:
    """A small memory of what was prepared last; whoever asks for what somebody prepares waits for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._prepared: OrderedDict[Key, Future[bytes]] = OrderedDict()
        self._bytes = 0

    def of(self, image: Image, *, as_is: bool) -> bytes | S3Object:
        """The payload, or where it lies if it may be fetched there `as_is`.

        Raises blobs.StorageFailed or ingest's Rejected, to each who asks.
        """
        if as_is and (reference := renditions.reference_for_recognition(image)):
            return reference
        key = image.bucket_id, image.key, image.etag, as_is
        with self._lock:
            future, is_mine = self._prepared.get(key), False
            if future is None:
                future, is_mine = self._prepared.setdefault(key, Future()), True
        return self._prepare(key, future, image) if is_mine else future.result()

    def _prepare(self, key: Key, future: Future[bytes], image: Image) -> bytes:
        try:
            payload = renditions.for_recognition(image, as_is=key[-1])
        except BaseException as error:
            with self._lock:
                self._prepared.pop(key)  # not remembered: the next attempt may go well
            future.set_exception(error)
            raise
        future.set_result(payload)
        with self._lock:
            self._bytes += len(payload)
            if self._bytes > MOST_BYTES:
                self._forget()
        return payload

    def _forget(self) -> None:
        """Drop what was prepared first, and is ready, until the rest is small enough."""
        for key in [key for key, future in self._prepared.items() if future.done()]:
            if self._bytes <= MOST_BYTES:
                break
            self._bytes -= len(self._prepared.pop(key).result())
