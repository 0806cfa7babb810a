"""Addresses of the pages. tests/web/test_access.py has an entry for each."""

from __future__ import annotations

from django.urls import path

from analysis.web import (
    activity,
    background_exports,
    buckets,
    color_theme,
    deliveries,
    duplicates,
    export,
    folders,
    labels,
    place_filter,
    saved_searches,
    sensitive,
    state_filter,
    system,
)
from analysis.web.alerts import edit as alert_form
from analysis.web.alerts import views as alert_views
from analysis.web.bulk import changes, reanalyze
from analysis.web.bulk import views as bulk_views
from analysis.web.dashboard import views as dashboard_views
from analysis.web.image import actions, downloads, history, similar
from analysis.web.image import views as image_views
from analysis.web.library import autocomplete, search_help
from analysis.web.library import views as library_views
from analysis.web.upload import direct
from analysis.web.upload import views as upload_views

urlpatterns = [
    path("", library_views.library, name="library"),
    path("search/", library_views.long_search, name="long-search"),
    path("cards/", library_views.cards, name="cards"),
    path("autocomplete/", autocomplete.autocomplete, name="autocomplete"),
    path("autocomplete/labels/", autocomplete.autocomplete_labels, name="autocomplete-labels"),
    path("search/help/", search_help.search_help, name="search-help"),
    path("months/", library_views.months, name="months"),
    path("months/ids/", library_views.month_ids, name="month-ids"),
    path("searches/", saved_searches.searches, name="searches"),
    path("searches/save/", saved_searches.save, name="search-save"),
    path("searches/restore/", saved_searches.restore, name="search-restore"),
    path("searches/<int:search_id>/", saved_searches.search, name="search"),
    path("searches/<int:search_id>/update/", saved_searches.update, name="search-update"),
    path("searches/<int:search_id>/delete/", saved_searches.delete, name="search-delete"),
    path("alerts/", alert_views.alerts, name="alerts"),
    path("alerts/new/", alert_form.new, name="alert-new"),
    path("alerts/preview/", alert_form.preview, name="alert-preview"),
    path("alerts/restore/", alert_views.restore, name="alert-restore"),
    path("alerts/<int:alert_id>/", alert_views.alert, name="alert"),
    path("alerts/<int:alert_id>/edit/", alert_form.edit, name="alert-edit"),
    path("alerts/<int:alert_id>/<slug:action>/", alert_views.alert_action, name="alert-action"),
    path("bulk/menu/", bulk_views.menu, name="bulk-menu"),
    path("bulk/<slug:action>/", bulk_views.bulk_action, name="bulk"),
    path("changes/", changes.changes, name="bulk-changes"),
    path("changes/<int:change_id>/", bulk_views.bulk_change, name="bulk-change"),
    path("undo/<int:change_id>/", bulk_views.undo, name="undo"),
    path("theme/", color_theme.choose_theme, name="theme"),
    path("states/filter/", state_filter.state_filter, name="state-filter"),
    path("sensitive/", sensitive.toggle_sensitive, name="toggle-sensitive"),
    path("buckets/", buckets.buckets, name="buckets"),
    path("buckets/add/", buckets.add, name="bucket-add"),
    path("buckets/<int:bucket_id>/", buckets.bucket, name="bucket"),
    path("buckets/<int:bucket_id>/edit/", buckets.edit, name="bucket-edit"),
    path("buckets/<int:bucket_id>/remove/", buckets.remove, name="bucket-remove"),
    path("buckets/<int:bucket_id>/sync/", buckets.sync, name="bucket-sync"),
    path("deliveries/", deliveries.deliveries, name="deliveries"),
    path("deliveries/send-again/", deliveries.send_again, name="deliveries-send-again"),
    path("labels/", labels.labels, name="labels"),
    path("folders/", folders.folders, name="folders"),
    path("folders/filter/", folders.folder_filter, name="folder-filter"),
    path("places/filter/", place_filter.place_filter, name="place-filter"),
    path("folders/<int:folder_id>/", folders.folder, name="folder"),
    path("duplicates/", duplicates.duplicates, name="duplicates"),
    path("duplicates/keep/", duplicates.resolve_duplicates, name="duplicates-keep"),
    path("upload/", upload_views.upload, name="upload"),
    path("upload/state/", upload_views.upload_state, name="upload-state"),
    path("upload/files/", direct.create_upload, name="uploads"),
    path("upload/files/states/", direct.upload_states, name="upload-states"),
    path("upload/files/<uuid:upload_id>/content/", direct.receive_file, name="upload-file"),
    path("upload/files/<uuid:upload_id>/complete/", direct.complete_upload, name="upload-complete"),
    path("images/<int:image_id>/", image_views.image, name="image"),
    path("public/<uuid:public_id>/", image_views.public, name="public"),
    path("public/<uuid:public_id>/panel/", image_views.public_panel, name="public-panel"),
    path("public/<uuid:public_id>/renditions/<slug:name>", downloads.public_rendition, name="public-rendition"),
    path("images/<int:image_id>/panel/", image_views.panel, name="image-panel"),
    path("images/<int:image_id>/similar/", similar.similar, name="image-similar"),
    path("images/<int:image_id>/history/", history.history, name="history"),
    path(
        "images/<int:image_id>/analyses/<int:analysis_id>/response.json", history.raw_response, name="analysis-response"
    ),
    path("images/<int:image_id>/analyses/<int:analysis_id>/pin/", history.pin_analysis, name="analysis-pin"),
    path("images/<int:image_id>/retry/", image_views.retry, name="retry"),
    path("images/<int:image_id>/verdict/", actions.review_label, name="image-verdict"),
    path("images/<int:image_id>/labels/add/", actions.add_label, name="add-label"),
    path("images/<int:image_id>/tags/remove/", actions.remove_tag, name="remove-tag"),
    path("images/<int:image_id>/undo/", actions.undo, name="image-undo"),
    path("images/<int:image_id>/rating/", actions.rate, name="image-rating"),
    path("images/<int:image_id>/visibility/", actions.set_visibility, name="image-visibility"),
    path("images/<int:image_id>/trash/", actions.move_to_trash, name="image-trash"),
    path("images/<int:image_id>/restore/", actions.restore, name="restore"),
    path("images/<int:image_id>/original", downloads.download_original, name="original"),
    path("images/<int:image_id>/renditions/<slug:name>", downloads.rendition, name="rendition"),
    path("export/", export.export, name="export"),
    path("export/download/", export.download, name="export-download"),
    path("exports/", background_exports.exports, name="exports"),
    path("exports/<int:export_id>/file", background_exports.export_file, name="export-file"),
    path("exports/<int:export_id>/manifest.json", background_exports.export_manifest, name="export-manifest"),
    path("exports/<int:export_id>/<slug:action>/", background_exports.export_action, name="export-action"),
    path("analyze/", reanalyze.analyze, name="analyze"),
    path("dashboard/", dashboard_views.dashboard, name="dashboard"),
    path("dashboard/<slug:name>.csv", dashboard_views.as_csv, name="dashboard-csv"),
    path("activity/", activity.activity, name="activity"),
    path("activity/<int:batch_id>/", activity.batch, name="batch"),
    path("activity/<int:batch_id>/<slug:action>/", activity.batch_action, name="batch-action"),
    path("system/", system.system, name="system"),
]
