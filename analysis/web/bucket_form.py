"""Form for a bucket, with a connection check before it is saved."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib.postgres.forms import SimpleArrayField
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analysis import audit_log
from analysis.audit_log.form_values import changed_values, settings_of
from analysis.bucket_sync import connection_check
from analysis.models import Analysis, AuditEntry, Bucket
from analysis.recognition import registry
from analysis.web import bucket_roles

FIELDS = {"bucket": "name", "region": "region", "role": "role_arn"}
"""Form field by the subject of a finding."""


class BucketForm(forms.ModelForm):
    include = SimpleArrayField(
        forms.CharField(),
        required=False,
        label=gettext_lazy("Include"),
        help_text=gettext_lazy("Patterns, separated by commas: *.jpg, *.png. Leave empty to index all pictures."),
    )
    exclude = SimpleArrayField(
        forms.CharField(),
        required=False,
        label=gettext_lazy("Exclude"),
        help_text=gettext_lazy("Patterns, separated by commas: */thumbs/*."),
    )
    apis = forms.MultipleChoiceField(
        choices=Analysis.Api.choices,
        required=False,
        label=gettext_lazy("Analyses"),
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("Analyses to run on the bucket's pictures. Leave empty for the default set."),
    )

    class Meta:
        model = Bucket
        fields = (
            "name",
            "prefix",
            "region",
            "role_arn",
            "include",
            "exclude",
            "owner",
            "visibility",
            "apis",
            "may_delete",
            "may_tag",
        )
        labels = {
            "name": gettext_lazy("Bucket name"),
            "prefix": gettext_lazy("Prefix"),
            "region": gettext_lazy("Region"),
            "role_arn": gettext_lazy("Role"),
            "owner": gettext_lazy("Owner"),
            "visibility": gettext_lazy("Visibility of new pictures"),
            "may_delete": gettext_lazy("Delete originals from the bucket"),
            "may_tag": gettext_lazy("Set tags"),
        }
        help_texts = {
            "name": gettext_lazy("The bucket's name in S3."),
            "prefix": gettext_lazy("Only index keys that start with this, for example photos/2024/."),
            "region": gettext_lazy("Leave empty for the region in AWS_REGION."),
            "role_arn": gettext_lazy(
                "Only for a bucket in another AWS account: the ARN of a role there, with the trust policy below."
            ),
            "owner": gettext_lazy("Owns the pictures in this bucket."),
            "visibility": gettext_lazy("Can be changed for each picture later."),
            "may_delete": gettext_lazy(
                "If on, deleting a picture forever also deletes its original from this bucket. "
                "If off, imagelib never deletes anything from the bucket."
            ),
            "may_tag": gettext_lazy("Sinks can set tags on its objects. Other tags are not changed."),
        }

    def __init__(self, *args: Any, may_choose_apis: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is None:
            self.instance.external_id = bucket_roles.read_external_id(self.data) or self.instance.external_id
        if not may_choose_apis:  # the others cost money that RECOGNIZER_APIS does not allow
            offered = {*registry.enabled_apis(), *self.instance.apis}
            apis = cast(forms.MultipleChoiceField, self.fields["apis"])
            apis.choices = [choice for choice in Analysis.Api.choices if choice[0] in offered]

    def is_connected(self) -> bool:
        """True if the form is valid and the bucket can be reached.

        Otherwise adds the errors, with a checkbox to save without a connection.
        """
        if not self.is_valid():
            return False
        # "anyway" becomes a field only after the check has failed once, so that it is not offered by default.
        findings = [] if self.data.get("anyway") else connection_check.unusable(self.instance)
        for finding in findings:
            self.add_error(FIELDS.get(finding.subject), finding.sentence)
        if findings:
            label = _("Save without a connection")
            self.fields["anyway"] = forms.BooleanField(required=False, label=label)
        return not findings

    def save_checked(self, *, by_id: int) -> bool:
        """Save; or add an error and return False if a bucket added meanwhile overlaps.

        The connection was checked without a transaction, as that may take seconds.
        """
        try:
            with transaction.atomic():
                self.instance.full_clean(exclude={field.name for field in Bucket._meta.fields} - set(self.fields))
                is_new = self.instance.pk is None
                self.save()
                audit_log.record(
                    AuditEntry.Action.ADD if is_new else AuditEntry.Action.CHANGE,
                    self.instance,
                    by_id=by_id,
                    details={"values": settings_of(self) if is_new else changed_values(self)},
                )
        except ValidationError as error:
            self.add_error(None, error)
            return False
        return True
