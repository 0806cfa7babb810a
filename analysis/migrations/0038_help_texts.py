import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_help_texts"),
        ("analysis", "0037_hours_of_ended_analyses"),
    ]

    operations = [
        migrations.AlterField(
            model_name="alert",
            name="after_image_id",
            field=models.BigIntegerField(
                default=0,
                help_text="Pictures up to this ID are never sent, because too many matched from the start.",
                verbose_name="after picture",
            ),
        ),
        migrations.AlterField(
            model_name="alert",
            name="last_error",
            field=models.TextField(
                blank=True,
                db_column="trouble",
                help_text="Why it was disabled, or why the last attempt failed.",
                verbose_name="last error",
            ),
        ),
        migrations.AlterField(
            model_name="alert",
            name="next_message_at",
            field=models.DateTimeField(
                blank=True,
                help_text="Matches wait until this time. Empty if none are waiting.",
                null=True,
                verbose_name="next message",
            ),
        ),
        migrations.AlterField(
            model_name="alert",
            name="retry_at",
            field=models.DateTimeField(
                blank=True, help_text="Nothing is sent before this time.", null=True, verbose_name="next attempt"
            ),
        ),
        migrations.AlterField(
            model_name="alertmatch",
            name="is_waiting",
            field=models.BooleanField(default=False, help_text="Waiting for the next message.", verbose_name="waiting"),
        ),
        migrations.AlterField(
            model_name="alertmatch",
            name="matched_at",
            field=models.DateTimeField(
                blank=True,
                help_text="Empty if it matched before the alert was created.",
                null=True,
                verbose_name="matched",
            ),
        ),
        migrations.AlterField(
            model_name="analysis",
            name="error_code",
            field=models.CharField(
                blank=True,
                help_text="AWS's error code, or one of imagelib's.",
                max_length=80,
                verbose_name="error code",
            ),
        ),
        migrations.AlterField(
            model_name="analysis",
            name="is_forced",
            field=models.BooleanField(
                default=False, help_text="Re-run although a result existed.", verbose_name="forced"
            ),
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="object_type",
            field=models.CharField(
                blank=True, help_text="Name of the model, such as “image”.", max_length=40, verbose_name="type"
            ),
        ),
        migrations.AlterField(
            model_name="backup",
            name="missing",
            field=models.BigIntegerField(
                help_text="Files that were missing from the library.", verbose_name="missing files"
            ),
        ),
        migrations.AlterField(
            model_name="batch",
            name="api_token",
            field=models.ForeignKey(
                blank=True,
                help_text="The token that started the run. Costs count toward its spending limit.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="batches",
                to="accounts.apitoken",
                verbose_name="API token",
            ),
        ),
        migrations.AlterField(
            model_name="batch",
            name="is_by_account",
            field=models.BooleanField(
                default=False,
                help_text="Started by an account, not from the command line. Stays set if the account is deleted.",
                verbose_name="by an account",
            ),
        ),
        migrations.AlterField(
            model_name="batch",
            name="mail_to",
            field=models.EmailField(
                blank=True, help_text="Address that the report is sent to.", max_length=254, verbose_name="email"
            ),
        ),
        migrations.AlterField(
            model_name="batch",
            name="rate",
            field=models.FloatField(
                blank=True, help_text="Maximum calls per second for each API.", null=True, verbose_name="rate limit"
            ),
        ),
        migrations.AlterField(
            model_name="batch",
            name="reused",
            field=models.PositiveIntegerField(
                default=0, help_text="Done analyses that cost nothing.", verbose_name="from cache"
            ),
        ),
        migrations.AlterField(
            model_name="batch",
            name="token",
            field=models.UUIDField(
                blank=True,
                editable=False,
                help_text="From the estimate's form, so that each form starts only one run.",
                null=True,
                unique=True,
                verbose_name="token",
            ),
        ),
        migrations.AlterField(
            model_name="batchentry",
            name="reused",
            field=models.PositiveIntegerField(
                default=0, help_text="Done analyses that cost nothing.", verbose_name="from cache"
            ),
        ),
        migrations.AlterField(
            model_name="bucket",
            name="apis",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[
                        ("labels", "Labels"),
                        ("faces", "Faces"),
                        ("celebrities", "Celebrities"),
                        ("text", "Text"),
                        ("moderation", "Moderation"),
                    ],
                    max_length=20,
                ),
                blank=True,
                default=list,
                help_text="APIs that analyze the bucket's pictures. Leave empty for those in RECOGNIZER_APIS.",
                size=None,
                verbose_name="APIs",
            ),
        ),
        migrations.AlterField(
            model_name="bucket",
            name="has_sidecars",
            field=models.BooleanField(
                db_default=False,
                default=False,
                editable=False,
                help_text="The bucket has XMP files, so the importer looks for one next to each picture.",
                verbose_name="has sidecars",
            ),
        ),
        migrations.AlterField(
            model_name="bucket",
            name="last_error",
            field=models.TextField(
                blank=True,
                db_column="trouble",
                help_text="Why its objects can't be read at the moment.",
                verbose_name="error",
            ),
        ),
        migrations.AlterField(
            model_name="bucket",
            name="may_delete",
            field=models.BooleanField(
                default=False,
                help_text="Deleting a picture forever also deletes its original from the bucket.",
                verbose_name="delete originals",
            ),
        ),
        migrations.AlterField(
            model_name="bucket",
            name="may_tag",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Sinks can set tags on its objects. Other tags are not changed.",
                verbose_name="set tags",
            ),
        ),
        migrations.AlterField(
            model_name="bucket",
            name="prefix",
            field=models.CharField(
                blank=True,
                help_text="Only keys that start with this, for example photos/2024/.",
                max_length=1024,
                verbose_name="prefix",
            ),
        ),
        migrations.AlterField(
            model_name="bucketcensus",
            name="location",
            field=models.CharField(
                help_text="Where the inventory is stored.", max_length=2048, verbose_name="location"
            ),
        ),
        migrations.AlterField(
            model_name="bulkchange",
            name="edit",
            field=models.JSONField(
                blank=True, help_text="For edited details, by field.", null=True, verbose_name="edited values"
            ),
        ),
        migrations.AlterField(
            model_name="bulkchange",
            name="query",
            field=models.TextField(
                blank=True, help_text="Selects the pictures of a background change.", verbose_name="search"
            ),
        ),
        migrations.AlterField(
            model_name="bulkchange",
            name="unchanged",
            field=models.PositiveIntegerField(
                default=0, help_text="Pictures that already had the new value.", verbose_name="unchanged"
            ),
        ),
        migrations.AlterField(
            model_name="collection",
            name="cover",
            field=models.ForeignKey(
                blank=True,
                help_text="Leave empty to use the first picture.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="analysis.image",
                verbose_name="cover",
            ),
        ),
        migrations.AlterField(
            model_name="collection",
            name="name",
            field=models.CharField(
                help_text="Slashes create levels: Trips/Paris.", max_length=200, verbose_name="name"
            ),
        ),
        migrations.AlterField(
            model_name="collection",
            name="shares_private",
            field=models.BooleanField(
                default=False,
                help_text="People with access also see private pictures that were added by their owners.",
                verbose_name="shows private pictures",
            ),
        ),
        migrations.AlterField(
            model_name="export",
            name="expires_at",
            field=models.DateTimeField(
                blank=True, help_text="Deleted after this time. Empty if kept.", null=True, verbose_name="expires"
            ),
        ),
        migrations.AlterField(
            model_name="export",
            name="image_ids",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.BigIntegerField(),
                blank=True,
                help_text="Empty for a search.",
                null=True,
                size=None,
                verbose_name="selection",
            ),
        ),
        migrations.AlterField(
            model_name="export",
            name="query",
            field=models.TextField(
                blank=True, help_text="Empty for all pictures or a selection.", verbose_name="search"
            ),
        ),
        migrations.AlterField(
            model_name="export",
            name="total",
            field=models.BigIntegerField(
                blank=True, help_text="Empty if not counted.", null=True, verbose_name="pictures to write"
            ),
        ),
        migrations.AlterField(
            model_name="label",
            name="is_hidden",
            field=models.BooleanField(
                default=False,
                help_text="Hidden from lists; still found by searches with its kind, such as label:dog.",
                verbose_name="hidden",
            ),
        ),
        migrations.AlterField(
            model_name="sharelink",
            name="password",
            field=models.CharField(
                blank=True, editable=False, help_text="Stored as a hash.", max_length=128, verbose_name="password"
            ),
        ),
        migrations.AlterField(
            model_name="sink",
            name="last_error",
            field=models.TextField(
                blank=True,
                db_column="trouble",
                help_text="Why it was disabled, or why the last attempt failed.",
                verbose_name="last error",
            ),
        ),
        migrations.AlterField(
            model_name="sink",
            name="options",
            field=models.JSONField(
                default=dict, help_text="Options of the channel, such as the message format.", verbose_name="options"
            ),
        ),
        migrations.AlterField(
            model_name="sink",
            name="query",
            field=models.TextField(
                blank=True,
                help_text="Only pictures that match this search. Leave empty for all pictures.",
                verbose_name="search",
            ),
        ),
        migrations.AlterField(
            model_name="sink",
            name="retry_at",
            field=models.DateTimeField(
                blank=True, help_text="Nothing is sent before this time.", null=True, verbose_name="next attempt"
            ),
        ),
        migrations.AlterField(
            model_name="sinkrun",
            name="queued",
            field=models.PositiveIntegerField(
                default=0, help_text="Messages about matching pictures.", verbose_name="queued"
            ),
        ),
        migrations.AlterField(
            model_name="upload",
            name="key",
            field=models.CharField(
                help_text="Chosen by the server; the browser uploads the file to this key.",
                max_length=200,
                unique=True,
                verbose_name="storage key",
            ),
        ),
        migrations.AlterField(
            model_name="upload",
            name="part_size",
            field=models.BigIntegerField(
                blank=True, help_text="Bytes of each part except the last.", null=True, verbose_name="part size"
            ),
        ),
        migrations.AlterField(
            model_name="collectionmember",
            name="can_edit",
            field=models.BooleanField(
                default=False, help_text="Can add, remove and arrange pictures.", verbose_name="can edit"
            ),
        ),
        migrations.AlterField(
            model_name="bulkchange",
            name="refused",
            field=models.PositiveIntegerField(
                default=0,
                help_text="Pictures that the user can't edit or that no longer exist.",
                verbose_name="skipped",
            ),
        ),
        migrations.AlterField(
            model_name="image",
            name="filename",
            field=models.CharField(
                help_text="Original file name, sanitized; never used as a path.",
                max_length=200,
                verbose_name="file name",
            ),
        ),
        migrations.AlterField(
            model_name="originaldeletion",
            name="filename",
            field=models.CharField(max_length=200, verbose_name="file name"),
        ),
        migrations.AlterField(
            model_name="upload",
            name="filename",
            field=models.CharField(max_length=200, verbose_name="file name"),
        ),
    ]
