from django.apps import AppConfig


class AnalysisConfig(AppConfig):
    name = "analysis"
    verbose_name = "Library"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Shared tasks go to the app that exists: without ours they would look for a broker of Celery's choosing.
        from analysis import checks  # noqa: F401, PLC0415
        from imagelib import celery  # noqa: F401, PLC0415
