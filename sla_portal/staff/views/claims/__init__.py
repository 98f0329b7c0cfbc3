"""The pages on which claims are reviewed and decided (3), and entered for a caller."""

from django.urls import URLPattern, path

from . import claim, enter, queue, together


def urls(view) -> list[URLPattern]:
    """The addresses of the desk's pages about claims; `view` wraps each in the site's check of who asks."""
    one = "claims/claim/<int:pk>/"
    own = one + "own/<int:exclusion>/"
    return [
        path("claims/claim/", view(queue.queue), name="claims"),
        path("claims/claim/together/", view(together.recommend_chosen), name="recommend_together"),
        path("claims/enter/", view(enter.enter_claim), name="enter_claim"),
        path(one, view(claim.claim_page), name="claim"),
        path(one + "recommend/", view(claim.recommend_claim), name="recommend_claim"),
        path(one + "take-back/", view(claim.take_recommendation_back), name="take_claim_back"),
        path(one + "return/", view(claim.return_recommendation), name="return_claim"),
        path(one + "decide/", view(claim.decide_claim), name="decide_claim"),
        path(one + "ask/", view(claim.ask), name="ask_claimant"),
        path(one + "answered/", view(claim.answered), name="claimant_answered"),
        path(one + "appeal/", view(claim.appeal), name="appeal_claim"),
        path(one + "withdraw/", view(claim.withdraw), name="withdraw_claim"),
        path(one + "link/", view(claim.new_link), name="send_claim_link"),
        path(one + "links/close/", view(claim.close_links), name="close_claim_links"),
        path(one + "proof/", view(claim.bring_proof), name="bring_proof"),
        path(one + "own/", view(claim.propose_own), name="propose_own"),
        path(own + "confirm/", view(claim.confirm_own), name="confirm_own"),
        path(own + "reject/", view(claim.reject_own), name="reject_own"),
        path(own + "revoke/", view(claim.revoke_own), name="revoke_own"),
        path("availability/exclusion/<int:pk>/claim/", view(claim.of_own_exclusion), name="claim_of_exclusion"),
    ]
