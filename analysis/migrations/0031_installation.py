from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("analysis", "0030_bucket_roles"),
    ]

    operations = [
        migrations.CreateModel(
            name="Installation",
            fields=[
                ("id", models.SmallIntegerField(default=1, editable=False, primary_key=True, serialize=False)),
                (
                    "welcome_dismissed_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="Empty while pages link to it.",
                        null=True,
                        verbose_name="welcome page dismissed",
                    ),
                ),
            ],
            options={
                "verbose_name": "installation",
                "verbose_name_plural": "installation",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("id", 1)), name="installation_one_row")
                ],
            },
        ),
    ]
