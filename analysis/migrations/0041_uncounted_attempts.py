from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("analysis", "0040_folded_name_indexes"),
    ]

    operations = [
        migrations.AddField(
            "export",
            "uncounted_attempts",
            models.PositiveSmallIntegerField(
                db_default=0,
                default=0,
                help_text="Attempts until a picture in it was deleted forever. They are no interruptions.",
                verbose_name="uncounted attempts",
            ),
        ),
    ]
