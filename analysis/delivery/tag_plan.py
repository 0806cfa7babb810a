"""Plans the tags of an object in S3, next to those of other programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from analysis.aws import object_tags
from analysis.delivery.sink_options import TagOptions

Tags = dict[str, str]


@dataclass(frozen=True)
class TagPlan:
    """All tags of an object before and after.

    `omitted`: names of tags for which there was no room.
    """

    before: Tags
    after: Tags
    omitted: tuple[str, ...]

    @property
    def is_change(self) -> bool:
        return self.before != self.after


def plan_tags(before: Mapping[str, str], image: Mapping[str, Any], options: TagOptions) -> TagPlan:
    """Replace the tags with our prefix by those of the picture.

    Other tags are not changed. S3 allows ten tags per object, and other tags come first.
    """
    foreign = {name: value for name, value in before.items() if not name.startswith(options.tag_prefix)}
    tags = wanted_tags(image, options)
    names = list(tags)[: options.max_tags]
    room = max(0, object_tags.MAX_TAGS - len(foreign))
    return TagPlan(dict(before), foreign | {name: tags[name] for name in names[:room]}, tuple(names[room:]))


def wanted_tags(image: Mapping[str, Any], options: TagOptions) -> Tags:
    """The tags of a picture: in the order of named labels, or by confidence."""
    order = {name.casefold(): number for number, name in enumerate(options.labels)}
    labels = [label for label in image["labels"] if _is_wanted(label, options, order)]
    if order:
        labels.sort(key=lambda label: order[label["name"].casefold()])
    tags = Tags()
    for label in labels:
        # No confidence as value, since lifecycle rules and IAM conditions compare values exactly.
        tags.setdefault(_tag_name(options.tag_prefix, label["name"]), label["kind"])
    return tags


def _is_wanted(label: Mapping[str, Any], options: TagOptions, named: Mapping[str, int]) -> bool:
    if label["confidence"] < options.min_confidence:
        return False
    return label["name"].casefold() in named if named else label["kind"] in options.kinds


def _tag_name(prefix: str, label: str) -> str:
    return f"{prefix}{object_tags.clean_tag(label)}"[: object_tags.MAX_NAME].rstrip()
