"""The addresses of the pages on service months: figures, closing, reports."""

from django.urls import URLPattern, path

from . import closing, month, reports


def urls(view) -> list[URLPattern]:
    """The addresses of these pages; `view` wraps each in the site's check of who asks."""
    return [
        path("availability/months/", view(month.overview), name="months"),
        path("availability/months/<str:month>/issue/", view(reports.issue), name="issue_reports"),
        path("reports/runs/<int:pk>/", view(reports.run), name="report_run"),
        path("availability/months/<str:month>/close/", view(closing.close), name="close_month"),
        path("availability/months/<str:month>/<str:scope>/<str:code>/", view(month.month), name="month"),
    ]
