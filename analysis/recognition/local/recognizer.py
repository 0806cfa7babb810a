"""The local recognizer: no account, and nothing is sent or downloaded.

Its responses have Rekognition's shapes. A classifier and a detector find labels, the detector with boxes; faces,
text, colors and image quality are found too. Emotions are left out.
"""

from __future__ import annotations

import time
import uuid

from analysis.messages import gettext_noop
from analysis.recognition.base import ApiName, ApiUnavailable, Parameters, Response, S3Object, UnreadableResponse
from analysis.recognition.local import configuration


class LocalRecognizer:
    """Analyzes images in this process.

    All instances share the detectors and the cache of results.
    """

    name: str = "local"
    apis: frozenset[ApiName] = frozenset({"labels", "faces", "text"})
    region: str | None = None
    sends_originals: bool = False  # the detectors are faster on the smaller rendition

    def __init__(self) -> None:
        if configuration.current().has_moderation:
            self.apis = self.apis | {"moderation"}

    def recognize(self, picture: bytes | S3Object, *, api: ApiName, parameters: Parameters) -> Response:
        """Analyze one image.

        Raises UnreadableResponse for bytes that are not an image, ApiUnavailable for an API it does not offer or a
        model that cannot be used, Throttled if memory is short.
        """
        started = time.perf_counter()
        if api not in self.apis:
            raise ApiUnavailable(
                gettext_noop("The local recognizer does not offer this API."),
                api=api,
                code="ApiNotOffered",
                next_step=gettext_noop("Remove it from RECOGNIZER_APIS, or set RECOGNIZER=rekognition."),
            )
        if isinstance(picture, S3Object):  # not sent by the engine, see sends_originals
            raise UnreadableResponse(
                gettext_noop("The local recognizer cannot read pictures from S3."), api=api, code="NotAPicture"
            )
        # Imported here: web processes only ask for the attributes above, and OpenCV would cost each of them 10 MB.
        from analysis.recognition.local import inspection

        content, model_version = inspection.inspect(picture, api=api, parameters=parameters)
        return Response(
            api=api,
            recognizer=self.name,
            model_version=model_version,
            content=content,
            request_id=str(uuid.uuid4()),
            latency_ms=round((time.perf_counter() - started) * 1000),
        )
