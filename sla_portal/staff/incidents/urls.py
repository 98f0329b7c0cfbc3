"""URLs of the pages on incidents and their exclusions."""

from django.urls import URLPattern, path

from . import evidence, export, incident, log, queue, response, review, voiding


def urls(view) -> list[URLPattern]:
    """Return the URL patterns; `view` adds the permission check of the admin site."""
    one = "incidents/incident/<int:pk>/"
    of_exclusion = "availability/exclusion/<int:pk>/"
    return [
        path("log-an-outage/", view(log.log_outage), name="log_outage"),
        path(one, view(incident.incident_page), name="incident_page"),
        path(one + "add-an-outage/", view(log.add_outage), name="add_outage"),
        path(one + "acknowledge/", view(incident.acknowledge), name="acknowledge_incident"),
        path(one + "resolve/", view(incident.resolve), name="resolve_incident"),
        path(one + "reopen/", view(incident.reopen), name="reopen_incident"),
        path(one + "void/", view(voiding.void), name="void_incident"),
        path(one + "merge/", view(voiding.merge), name="merge_incident"),
        path(one + "update/", view(incident.update), name="update_incident"),
        path(one + "severity/", view(response.severity), name="set_severity"),
        path(one + "take/", view(response.take), name="take_incident"),
        path(one + "hand-over/", view(response.hand_over), name="hand_over_incident"),
        path(one + "links/", view(response.links), name="link_incident"),
        path(one + "review/", view(review.review), name="incident_review"),
        path(one + "review/publish/", view(review.publish), name="publish_review"),
        path(one + "review/withdraw/", view(review.withdraw), name="withdraw_review"),
        path("incidents/reviewaction/<int:pk>/done/", view(review.complete), name="complete_action"),
        path("incidents/export/<str:form>/", view(export.incidents), name="export_incidents"),
        path(one + "attribute/", view(incident.attribute), name="attribute_incident"),
        path(one + "propose/", view(incident.propose), name="propose_exclusion"),
        path(of_exclusion + "confirm/", view(incident.confirm), name="confirm_exclusion"),
        path(of_exclusion + "reject/", view(incident.reject), name="reject_exclusion"),
        path(of_exclusion + "revoke/", view(incident.revoke), name="revoke_exclusion"),
        path(of_exclusion + "withdraw/", view(incident.withdraw), name="withdraw_exclusion"),
        path(of_exclusion + "evidence/", view(evidence.add), name="add_evidence"),
        path("availability/evidence/<int:pk>/", view(evidence.file), name="evidence_file"),
        path("availability/queue/", view(queue.queue), name="queue"),
    ]
