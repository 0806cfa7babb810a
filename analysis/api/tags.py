"""Tags of an image. All tags in use: `GET /labels?kind=tag`."""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from ninja import Router

from analysis import permissions
from analysis.api.authentication import READ, WRITE
from analysis.api.image_labels import LabelOut, LabelValues, labels_of
from analysis.api.labels import LabelId, NewLabel, add_image_label, reviewable_image
from analysis.curation import bulk
from analysis.curation.bulk import Selection
from analysis.models import ImageLabel, Label

router = Router(tags=["Tags"])


@router.get("/images/{int:image_id}/tags", response=list[LabelOut], auth=READ)
def list_tags(request: HttpRequest, image_id: int) -> list[LabelValues]:
    """The tags of an image, by name."""
    image = permissions.get_image_or_404(request.user, image_id)
    tags = [label for label in labels_of([image.pk])[image.pk] if label["kind"] == Label.Kind.TAG]
    return sorted(tags, key=lambda label: label["name"].lower())


@router.post("/images/{int:image_id}/tags", response={201: LabelOut}, auth=WRITE)
def add_tag(request: HttpRequest, image_id: int, tag: NewLabel) -> HttpResponse:
    """Add a tag by name. Adding it again changes nothing.

    The name of a label adds that label.
    """
    return add_image_label(request, image_id, tag)


@router.delete("/images/{int:image_id}/tags/{label_id}", response={204: None}, auth=WRITE)
def remove_tag(request: HttpRequest, image_id: int, label_id: LabelId) -> HttpResponse:
    """Remove a tag from the image."""
    with transaction.atomic():
        image = reviewable_image(request, image_id)
        tags = Label.objects.filter(kind=Label.Kind.TAG, pk__in=ImageLabel.objects.filter(image=image).values("label"))
        tag = tags.filter(pk=label_id).first()
        if tag is None or not isinstance(request.user, AbstractBaseUser):
            raise Http404
        bulk.remove_tag(Selection(request.user, ids=(image.pk,)), tag)
    return HttpResponse(status=204)
