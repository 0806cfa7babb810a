from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AnalysisConfig(AppConfig):
    name = "analysis"
    verbose_name = _("Library")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Shared tasks belong to the current Celery app; without ours they would use Celery's default broker.
        from analysis import checks  # noqa: F401, PLC0415
        from analysis.recognition import registry  # noqa: PLC0415
        from imagelib import celery  # noqa: F401, PLC0415

        registry.configure_local()
