import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import F, Q
from django.db.models.functions import Now


class Migration(migrations.Migration):
    dependencies = [
        ("analysis", "0031_installation"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="DistinctPair",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "first_id", "second_id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("marked_at", models.DateTimeField(db_default=Now(), verbose_name="marked")),
                (
                    "by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
                (
                    "first",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="analysis.image",
                        verbose_name="first picture",
                    ),
                ),
                (
                    "second",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="analysis.image",
                        verbose_name="second picture",
                    ),
                ),
            ],
            options={
                "verbose_name": "pair of different pictures",
                "verbose_name_plural": "pairs of different pictures",
                "constraints": [
                    models.CheckConstraint(condition=Q(first__lt=F("second")), name="distinctpair_in_order")
                ],
            },
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="action",
            field=models.CharField(
                choices=[
                    ("add", "Added"),
                    ("change", "Changed"),
                    ("remove", "Removed"),
                    ("revoke", "Revoked"),
                    ("merge", "Merged"),
                    ("add_tag", "Added label"),
                    ("remove_tag", "Removed label"),
                    ("confirm", "Confirmed label"),
                    ("reject", "Rejected label"),
                    ("clear", "Cleared verdict"),
                    ("open_to", "Changed visibility"),
                    ("give", "Transferred"),
                    ("favorite", "Added to favorites"),
                    ("unfavorite", "Removed from favorites"),
                    ("rate", "Rated"),
                    ("edit", "Edited details"),
                    ("rotate", "Rotated"),
                    ("keep", "Merged duplicates"),
                    ("exact", "Resolved exact copies"),
                    ("distinct", "Marked as not duplicates"),
                    ("pin", "Pinned analysis"),
                    ("unpin", "Unpinned analysis"),
                    ("trash", "Moved to trash"),
                    ("restore", "Restored from trash"),
                    ("undo", "Undid"),
                    ("delete", "Deleted forever"),
                    ("delete_original", "Deleted original in bucket"),
                    ("cancel", "Canceled deletion"),
                ],
                max_length=16,
                verbose_name="action",
            ),
        ),
        migrations.AlterField(
            model_name="bulkchange",
            name="action",
            field=models.CharField(
                choices=[
                    ("add_tag", "Add tag"),
                    ("remove_tag", "Remove tag"),
                    ("confirm", "Confirm label"),
                    ("reject", "Reject label"),
                    ("open_to", "Change visibility"),
                    ("trash", "Move to trash"),
                    ("restore", "Restore from trash"),
                    ("favorite", "Add to favorites"),
                    ("unfavorite", "Remove from favorites"),
                    ("rate", "Rate"),
                    ("keep", "Merge duplicates"),
                    ("exact", "Resolve exact copies"),
                    ("distinct", "Mark as not duplicates"),
                    ("give", "Transfer to another user"),
                    ("edit", "Edit details"),
                ],
                max_length=12,
                verbose_name="action",
            ),
        ),
    ]
