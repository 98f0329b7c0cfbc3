"""The pages of amendments (5.2), customer responses and the register."""

from django.urls import URLPattern, path

from ..bundles import bundle_file, bundle_seal
from . import answers, bundles, cases, drafts, listing, publication, register, reviews, withdrawal


def urls(view) -> list[URLPattern]:
    """Return the URL patterns; `view` asks for a staff sign-in; each page asks for its permission itself."""
    of_version = "agreements/amendments/<int:pk>/"
    of_entry = "agreements/amendments/register/<int:pk>/"
    return [
        path("agreements/amendments/", view(listing.amendments), name="amendments"),
        path("agreements/amendments/start/", view(drafts.start), name="start_amendment"),
        path(of_version, view(drafts.amendment), name="amendment"),
        path(of_version + "discard/", view(drafts.discard), name="discard_amendment"),
        path(of_version + "review/", view(reviews.review), name="review_amendment"),
        path(of_version + "submit/", view(publication.submit), name="submit_amendment"),
        path(of_version + "publish/", view(publication.publish), name="publish_amendment"),
        path(of_version + "send-back/", view(publication.send_back), name="send_back_amendment"),
        path(of_version + "notify/", view(publication.notify), name="notify_of_amendment"),
        path(of_version + "bundles/", view(bundles.bundles), name="bundles"),
        path("reports/bundles/<int:pk>/file/", view(bundle_file), name="bundle_file"),
        path("reports/bundles/<int:pk>/seal/", view(bundle_seal), name="bundle_seal"),
        path(of_version + "withdraw/", view(withdrawal.withdraw), name="withdraw_amendment"),
        path(of_version + "withdraw/<int:request_pk>/<str:step>/", view(withdrawal.decide), name="decide_withdrawal"),
        path(of_version + "ended/", view(cases.ended), name="ended_contracts"),
        path("agreements/amendments/objections/", view(cases.objections), name="objections"),
        path("agreements/amendments/objections/<int:pk>/", view(cases.objection), name="objection"),
        path(of_version + "export/", view(answers.export), name="export_responses"),
        path(of_version + "customers/", view(answers.customers), name="amendment_customers"),
        path(of_version + "customers/<path:code>/", view(answers.answer), name="amendment_answer"),
        path("agreements/amendments/answers/<int:pk>/withdraw/", view(answers.withdraw), name="withdraw_answer"),
        path("agreements/amendments/register/", view(register.entries), name="register"),
        path("agreements/amendments/register/add/", view(register.write), name="add_register_entry"),
        path(of_entry, view(register.entry), name="register_entry"),
        path(of_entry + "change/", view(register.write), name="change_register_entry"),
        path(of_entry + "approve/", view(register.approve), name="approve_register_entry"),
        path(of_entry + "copy/", view(register.copy), name="copy_wording"),
    ]
