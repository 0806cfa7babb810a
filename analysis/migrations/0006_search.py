from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("analysis", "0005_batches")]
    operations = [
        migrations.AlterField(
            model_name="change",
            name="action",
            field=models.CharField(
                choices=[
                    ("add_tag", "Add a tag"),
                    ("remove_tag", "Remove a tag"),
                    ("confirm", "Confirm a label"),
                    ("reject", "Reject a label"),
                    ("open_to", "Change who may see them"),
                    ("trash", "Move to the trash"),
                    ("restore", "Restore from the trash"),
                    ("favorite", "Make them favorites"),
                    ("unfavorite", "Take them from the favorites"),
                    ("keep", "Keep one of like pictures"),
                ],
                max_length=12,
            ),
        ),
    ]
