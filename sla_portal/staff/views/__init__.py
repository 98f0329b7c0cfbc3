"""The pages on which the desk works: log an outage, an incident, the months, maintenance, claims, amendments."""

from django.urls import URLPattern, path

from . import (
    amendments,
    bundles,
    claims,
    closing,
    evidence,
    incident,
    ledger,
    log,
    maintenance,
    months,
    owed,
    proofs,
    queue,
    reports,
)


def urls(view) -> list[URLPattern]:
    """The addresses of the desk's own pages; `view` wraps each in the site's check of who asks."""
    of_incident = "incidents/incident/<int:pk>/"
    of_window = "maintenance/maintenancewindow/<int:pk>/"
    of_exclusion = "availability/exclusion/<int:pk>/"
    of_proof = "claims/proof/<int:pk>/"
    return [
        *amendments.urls(view),
        *claims.urls(view),
        path("agreements/amendments/<int:pk>/proof/", view(bundles.proof), name="bundles"),
        path("reports/bundles/<int:pk>/file/", view(bundles.bundle_file), name="bundle_file"),
        *ledger.urls(view),
        *owed.urls(view),
        path("log-an-outage/", view(log.log_outage), name="log_outage"),
        path(of_incident, view(incident.incident_page), name="incident_page"),
        path(of_incident + "add-an-outage/", view(log.add_outage), name="add_outage"),
        path(of_incident + "acknowledge/", view(incident.acknowledge), name="acknowledge_incident"),
        path(of_incident + "resolve/", view(incident.resolve), name="resolve_incident"),
        path(of_incident + "update/", view(incident.update), name="update_incident"),
        path(of_incident + "attribute/", view(incident.attribute), name="attribute_incident"),
        path(of_incident + "propose/", view(incident.propose), name="propose_exclusion"),
        path(of_exclusion + "confirm/", view(incident.confirm), name="confirm_exclusion"),
        path(of_exclusion + "reject/", view(incident.reject), name="reject_exclusion"),
        path(of_exclusion + "revoke/", view(incident.revoke), name="revoke_exclusion"),
        path(of_exclusion + "evidence/", view(evidence.add), name="add_evidence"),
        path("availability/evidence/<int:pk>/", view(evidence.file), name="evidence_file"),
        path(of_proof + "preview/", view(proofs.preview), name="proof_preview"),
        path(of_proof + "original/", view(proofs.original), name="proof_original"),
        path("maintenance/maintenancewindow/calendar/", view(maintenance.calendar), name="maintenance_calendar"),
        path(of_window, view(maintenance.window), name="maintenance_window"),
        path(of_window + "announce/", view(maintenance.announce), name="announce_window"),
        path(of_window + "lengthen/", view(maintenance.lengthen), name="lengthen_window"),
        path(of_window + "cancel/", view(maintenance.cancel), name="cancel_window"),
        path(of_window + "start/", view(maintenance.start), name="start_work"),
        path(of_window + "finish/", view(maintenance.finish), name="finish_work"),
        path("availability/queue/", view(queue.queue), name="queue"),
        path("availability/months/", view(months.overview), name="months"),
        path("availability/months/<str:month>/issue/", view(reports.issue), name="issue_reports"),
        path("reports/runs/<int:pk>/", view(reports.run), name="report_run"),
        path("availability/months/<str:month>/close/", view(closing.close), name="close_month"),
        path("availability/months/<str:month>/<str:scope>/<str:code>/", view(months.month), name="month"),
    ]
