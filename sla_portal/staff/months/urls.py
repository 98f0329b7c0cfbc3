"""The URLs of the pages on service months: figures, closing, reports."""

from django.urls import URLPattern, path

from . import bundles, closing, export, minutes, month, reports


def urls(view) -> list[URLPattern]:
    """Return the URL patterns; `view` asks for a staff sign-in; each page asks for its permission itself."""
    return [
        path("availability/months/", view(month.overview), name="months"),
        path("availability/months/export/regions/<str:form>/", view(export.region_months), name="export_region_months"),
        path(
            "availability/months/export/customers/<str:form>/",
            view(export.customer_months),
            name="export_customer_months",
        ),
        path("availability/months/<str:month>/issue/", view(reports.issue), name="issue_reports"),
        path("reports/report/<int:pk>/minutes/", view(reports.minutes), name="report_minutes"),
        path("availability/months/<str:month>/bundles/", view(bundles.bundles), name="month_bundles"),
        path("reports/runs/<int:pk>/", view(reports.run), name="report_run"),
        path("availability/months/<str:month>/close/", view(closing.close), name="close_month"),
        *(
            path(
                f"availability/months/<str:month>/closing-requests/<int:pk>/{step}/",
                view(closing.decide),
                {"step": step},
                name=f"{step}_closing",
            )
            for step in ("confirm", "return", "withdraw")
        ),
        path("availability/months/<str:month>/closings/<int:revision>/", view(closing.file), name="closing_file"),
        path("availability/months/<str:month>/closings/<int:revision>/seal/", view(closing.seal), name="closing_seal"),
        path("availability/months/<str:month>/<str:scope>/<str:code>/", view(month.month), name="month"),
        path("availability/months/<str:month>/<str:scope>/<str:code>/minutes/", view(minutes.minutes), name="minutes"),
    ]
