"""Forms for sinks, one for each channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analysis.aws import object_tags
from analysis.curation.tags import MAX_LENGTH as MAX_LABEL
from analysis.delivery import sink_addresses
from analysis.delivery.sink_options import (
    BusOptions,
    MessageOptions,
    SinkOptions,
    TableOptions,
    TagOptions,
    WebhookOptions,
)
from analysis.models import Label, Sink
from analysis.models.buckets import validate_region
from analysis.search.syntax.parser import MAX_LENGTH, InvalidQuery, parse
from analysis.web.http import one_line

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

MAX_LABELS = 50
MESSAGE_FORMS = [
    ("full", gettext_lazy("Full: all results and the picture's data")),
    ("simple", gettext_lazy("Simple: file name and labels")),
]
validate_source = RegexValidator(
    r"\A(?!aws\.)[\w./-]{1,256}\Z",
    gettext_lazy("Use letters, digits and . - _ / only; AWS reserves names that start with aws."),
)
validate_prefix = RegexValidator(
    r"\A(?!aws:)[\w+\-=.:/@]{1,64}\Z",
    gettext_lazy("Enter 1 to 64 letters, digits and + - = . _ : / @; AWS reserves names that start with aws:."),
)


class LabelList(forms.Field):
    """Field of label names, separated by commas or line breaks."""

    widget = forms.Textarea(attrs={"rows": 3})

    def to_python(self, value: Any) -> tuple[str, ...]:
        text = ",".join(value) if isinstance(value, list | tuple) else str(value or "").replace("\n", ",")
        return tuple(dict.fromkeys(name for part in text.split(",") if (name := one_line(part))))

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, tuple) else value

    def validate(self, value: Any) -> None:
        super().validate(value)
        if len(value) > MAX_LABELS or any(len(name) > MAX_LABEL for name in value):
            raise ValidationError(_("Enter at most %(limit)d names.") % {"limit": MAX_LABELS})


class SinkForm(forms.Form):
    """Fields that all channels share; fields named in `options_type` become options."""

    options_type: ClassVar[type[SinkOptions]]
    introduction: ClassVar[str | Promise]
    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    query = forms.CharField(
        label=gettext_lazy("Search"),
        max_length=MAX_LENGTH,
        required=False,
        help_text=gettext_lazy("Only send pictures that match this search. Leave empty for all pictures."),
    )

    def __init__(self, data: Any = None, *, sink: Sink) -> None:
        options = self.options_type.read(sink.options)
        initial = {"name": sink.name, "query": sink.query, "address": sink.address, **vars(options)}
        super().__init__(data, initial=initial, label_suffix="")
        self.sink = sink

    def clean_name(self) -> str:
        name = one_line(self.cleaned_data["name"])
        if Sink.objects.filter(name=name).exclude(pk=self.sink.pk).exists():
            raise ValidationError(_("A sink with this name already exists. Choose another name."))
        return name

    def clean_query(self) -> str:
        query = one_line(self.cleaned_data["query"])
        try:
            parse(query)
        except InvalidQuery as error:
            raise ValidationError(str(error)) from error
        return query

    def clean_address(self) -> str:
        address = str(self.cleaned_data["address"])
        if error := sink_addresses.address_error(self.sink.channel, address):
            raise ValidationError(error)
        return address

    def changed_sink(self) -> Sink:
        """The sink with the values of a valid form, not saved."""
        values = self.cleaned_data
        self.sink.name, self.sink.query = values["name"], values["query"]
        self.sink.address = values.get("address", "")
        names = set(vars(self.options_type()))
        options = {name: value for name, value in values.items() if name in names}
        self.sink.options = self.options_type(**options).stored()
        return self.sink


class RegionField(forms.CharField):
    def __init__(self) -> None:
        super().__init__(
            label=gettext_lazy("Region"),
            max_length=32,
            required=False,
            validators=[validate_region],
            help_text=gettext_lazy("Leave empty for the region of the ARN, or that of AWS_REGION."),
        )


class FormField(forms.ChoiceField):
    def __init__(self) -> None:
        super().__init__(label=gettext_lazy("Message format"), choices=MESSAGE_FORMS)


class SizeField(forms.IntegerField):
    def __init__(self) -> None:
        super().__init__(
            label=gettext_lazy("Maximum message size (kB)"),
            validators=[MinValueValidator(1), MaxValueValidator(1_024)],
            help_text=gettext_lazy(
                "Longer lists are shortened and marked as incomplete. AWS accepts 256 kB by default."
            ),
        )


class AddressField(forms.CharField):
    def __init__(self, label: str | _StrPromise, example: str, help_text: str | _StrPromise = "") -> None:
        super().__init__(
            label=label,
            max_length=2_000,
            help_text=help_text,
            widget=forms.TextInput(attrs={"placeholder": example, "spellcheck": "false", "autocapitalize": "off"}),
        )


class QueueForm(SinkForm):
    options_type = MessageOptions
    introduction = gettext_lazy("Sends a message to the queue for each picture that is added or changed.")
    address = AddressField(
        gettext_lazy("Queue URL"),
        "https://sqs.eu-central-1.amazonaws.com/123456789012/pictures",
        gettext_lazy("In a FIFO queue, messages about a picture arrive in order, each exactly once."),
    )
    form = FormField()
    kilobytes = SizeField()


class TopicForm(SinkForm):
    options_type = MessageOptions
    introduction = gettext_lazy("Publishes a message to the topic for each picture that is added or changed.")
    address = AddressField(gettext_lazy("Topic ARN"), "arn:aws:sns:eu-central-1:123456789012:pictures")
    form = FormField()
    kilobytes = SizeField()


class BusForm(SinkForm):
    options_type = BusOptions
    introduction = gettext_lazy("Puts an event on the bus for each picture that is added or changed.")
    address = AddressField(gettext_lazy("Event bus"), "default", gettext_lazy("Its name or ARN."))
    region = RegionField()
    source = forms.CharField(
        label=gettext_lazy("Source"),
        max_length=256,
        validators=[validate_source],
        help_text=gettext_lazy("Event rules can filter by it. The detail type is “Image Changed”."),
    )
    form = FormField()
    kilobytes = SizeField()


class TableForm(SinkForm):
    options_type = TableOptions
    introduction = gettext_lazy(
        "Writes an item to the table for each picture that is added or changed, replacing the previous one."
    )
    address = AddressField(gettext_lazy("Table"), "pictures", gettext_lazy("Its name or ARN."))
    region = RegionField()
    key = forms.ChoiceField(
        label=gettext_lazy("Partition key"),
        choices=[("ImageID", "ImageID"), ("filename", "filename")],
        help_text=gettext_lazy(
            "A string attribute. With “filename”, pictures with the same file name overwrite each other's items."
        ),
    )
    form = forms.ChoiceField(
        label=gettext_lazy("Item format"),
        choices=[
            ("simple", gettext_lazy("Simple: labels, faces and celebrities")),
            ("full", gettext_lazy("Full: all results and the picture's data")),
        ],
    )


class TagsForm(SinkForm):
    options_type = TagOptions
    introduction = gettext_lazy(
        "Sets tags on the S3 objects of pictures, for lifecycle rules and access control by content. Only in buckets "
        "with “Set tags” turned on. Other tags are not changed."
    )
    tag_prefix = forms.CharField(
        label=gettext_lazy("Prefix"),
        max_length=64,
        validators=[validate_prefix],
        help_text=gettext_lazy("This sink manages all tags that start with it: outdated ones are removed."),
    )
    labels = LabelList(
        label=gettext_lazy("Labels"),
        required=False,
        help_text=gettext_lazy("Only these labels, separated by commas. Leave empty to use the most confident ones."),
    )
    kinds = forms.MultipleChoiceField(
        label=gettext_lazy("Kinds"),
        choices=Label.Kind.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("Used if no labels are listed."),
    )
    min_confidence = forms.IntegerField(
        label=gettext_lazy("Minimum confidence (%)"), validators=[MinValueValidator(0), MaxValueValidator(100)]
    )
    max_tags = forms.IntegerField(
        label=gettext_lazy("Tags per object"),
        validators=[MinValueValidator(1), MaxValueValidator(object_tags.MAX_TAGS)],
        help_text=gettext_lazy("S3 allows 10 per object, including tags set by others."),
    )

    def clean_kinds(self) -> tuple[str, ...]:
        return tuple(self.cleaned_data["kinds"])

    def clean(self) -> dict[str, Any]:
        values = cast(dict[str, Any], super().clean())
        if not self.errors and not values["labels"] and not values["kinds"]:
            self.add_error("labels", _("List some labels, or choose a kind."))
        return values


class WebhookForm(SinkForm):
    options_type = WebhookOptions
    introduction = gettext_lazy("Posts signed JSON to the URL for each picture that is added or changed.")
    address = AddressField(gettext_lazy("URL"), "https://example.org/hook")


FORMS: dict[str, type[SinkForm]] = {
    Sink.Channel.SQS: QueueForm,
    Sink.Channel.SNS: TopicForm,
    Sink.Channel.EVENTBRIDGE: BusForm,
    Sink.Channel.DYNAMODB: TableForm,
    Sink.Channel.OBJECT_TAGS: TagsForm,
    Sink.Channel.WEBHOOK: WebhookForm,
}
