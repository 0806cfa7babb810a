from django.apps import AppConfig
from django.conf import settings
from django.utils.translation import gettext_lazy as _


class AnalysisConfig(AppConfig):
    name = "analysis"
    verbose_name = _("Library")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Shared tasks belong to the current Celery app; without ours they would use Celery's default broker.
        from analysis import checks, deployment_checks
        from analysis.recognition import registry
        from imagelib import celery, error_reports

        error_reports.start(
            dsn=settings.SENTRY_DSN,
            environment=settings.SENTRY_ENVIRONMENT,
            traces_sample_rate=settings.SENTRY_TRACES_SAMPLE_RATE,
            secrets=settings.LOG_SECRETS,
        )
        registry.configure_local()
