"""The pages of amendments (5.2): from the draft to what customers make of it, and the register of open questions."""

from django.urls import URLPattern, path

from . import answers, bundles, drafts, listing, publication, register


def urls(view) -> list[URLPattern]:
    """The addresses of these pages; `view` wraps each in the site's check of who asks."""
    of_version = "agreements/amendments/<int:pk>/"
    of_entry = "agreements/amendments/register/<int:pk>/"
    return [
        path("agreements/amendments/", view(listing.amendments), name="amendments"),
        path("agreements/amendments/start/", view(drafts.start), name="start_amendment"),
        path(of_version, view(drafts.amendment), name="amendment"),
        path(of_version + "discard/", view(drafts.discard), name="discard_amendment"),
        path(of_version + "ask/", view(publication.ask), name="ask_for_publication"),
        path(of_version + "publish/", view(publication.publish), name="publish_amendment"),
        path(of_version + "return/", view(publication.give_back), name="return_amendment"),
        path(of_version + "tell/", view(publication.tell), name="tell_of_amendment"),
        path(of_version + "proof/", view(bundles.proof), name="bundles"),
        path("reports/bundles/<int:pk>/file/", view(bundles.bundle_file), name="bundle_file"),
        path(of_version + "withdraw/", view(publication.withdraw), name="withdraw_amendment"),
        path(of_version + "customers/", view(answers.customers), name="amendment_customers"),
        path(of_version + "customers/<path:code>/", view(answers.answer), name="amendment_answer"),
        path("agreements/amendments/answers/<int:pk>/take-back/", view(answers.take_back), name="take_back_answer"),
        path("agreements/amendments/register/", view(register.entries), name="register"),
        path("agreements/amendments/register/add/", view(register.write), name="add_register_entry"),
        path(of_entry, view(register.entry), name="register_entry"),
        path(of_entry + "change/", view(register.write), name="change_register_entry"),
        path(of_entry + "approve/", view(register.approve), name="approve_register_entry"),
        path(of_entry + "take/", view(register.take), name="take_wording"),
    ]
