"""Sections of the bucket form; those that few buckets need are folded."""

from __future__ import annotations

from dataclasses import dataclass

from django import forms
from django.forms import BoundField
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

SECTIONS: tuple[tuple[str | Promise, tuple[str, ...], bool], ...] = (
    (gettext_lazy("Bucket"), ("name", "prefix", "region"), False),
    (gettext_lazy("Bucket in another AWS account"), ("role_arn",), True),
    (gettext_lazy("Pictures in imagelib"), ("owner", "visibility", "apis"), False),
    (gettext_lazy("File patterns"), ("include", "exclude"), True),
    (gettext_lazy("Changes in the bucket"), ("may_delete", "may_tag"), True),
    ("", ("anyway",), False),
)


@dataclass(frozen=True)
class FormSection:
    """Fields under a heading; folded sections open if a field has a value or an error."""

    title: str | Promise
    fields: list[BoundField]
    is_folded: bool

    @property
    def is_open(self) -> bool:
        return any(field.errors or field.value() for field in self.fields)


def form_sections(form: forms.BaseForm) -> list[FormSection]:
    """The sections that have fields in this form."""
    sections = [
        FormSection(title, [form[name] for name in names if name in form.fields], is_folded)
        for title, names, is_folded in SECTIONS
    ]
    return [section for section in sections if section.fields]
