import django.db.models.deletion
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q
from django.db.models.functions import Now


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("analysis", "0024_order_by_date_taken"),
    ]

    operations = [
        migrations.AddField(
            "bucket",
            "may_tag",
            models.BooleanField(
                db_default=False,
                default=False,
                help_text="Sinks may set tags of its objects. Other tags are not changed.",
                verbose_name="set tags",
            ),
        ),
        migrations.CreateModel(
            name="SinkRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.CharField(
                        choices=[("running", "Running"), ("done", "Done"), ("canceled", "Canceled")],
                        default="running",
                        max_length=8,
                        verbose_name="state",
                    ),
                ),
                (
                    "after_image_id",
                    models.BigIntegerField(
                        default=0, help_text="Pictures up to it were compared.", verbose_name="after picture"
                    ),
                ),
                (
                    "last_image_id",
                    models.BigIntegerField(
                        help_text="Later ones are sent as they are added.", verbose_name="last picture"
                    ),
                ),
                (
                    "queued",
                    models.PositiveIntegerField(
                        default=0, help_text="Messages about pictures that match.", verbose_name="queued"
                    ),
                ),
                ("started_at", models.DateTimeField(db_default=Now(), verbose_name="started")),
                ("finished_at", models.DateTimeField(blank=True, null=True, verbose_name="finished")),
                (
                    "sink",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="run",
                        to="analysis.sink",
                        verbose_name="sink",
                    ),
                ),
            ],
            options={"verbose_name": "sink run", "verbose_name_plural": "sink runs"},
        ),
        AddIndexConcurrently(
            "delivery",
            models.Index(fields=["sink", "state"], condition=Q(sink__isnull=False), name="delivery_of_sink"),
        ),
        migrations.AlterField(
            "delivery",
            "sink",
            models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="deliveries",
                to="analysis.sink",
                verbose_name="sink",
            ),
        ),
    ]
