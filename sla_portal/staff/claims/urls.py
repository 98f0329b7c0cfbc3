"""The pages on which claims are reviewed and decided (3), and entered for a caller."""

from django.urls import URLPattern, path

from . import (
    billing,
    bundles,
    claim,
    customer_exclusions,
    decision,
    enter,
    entitlements,
    ledger,
    proofs,
    queue,
    statistics,
    steps,
    together,
    unclaimed,
    working,
)


def urls(view) -> list[URLPattern]:
    """The addresses of the desk's pages about claims; `view` wraps each in the site's check of who asks."""
    one = "claims/claim/<int:pk>/"
    of_own = one + "own/<int:exclusion>/"
    of_proof = "claims/proof/<int:pk>/"
    of_month = "availability/months/<str:month>/"
    return [
        path("claims/claim/", view(queue.queue), name="claims"),
        path("claims/claim/together/", view(together.recommend_chosen), name="recommend_together"),
        path("claims/claim/decide/", view(together.decide_chosen), name="decide_together"),
        path("claims/claim/take/", view(working.take), name="take_claim"),
        path("claims/mention/<int:pk>/read/", view(working.mark_read), name="read_mention"),
        path(one + "assign/", view(working.assign), name="assign_claim"),
        path(one + "note/", view(working.note), name="note_claim"),
        path("claims/statistics/", view(statistics.claim_statistics), name="claim_statistics"),
        path("claims/enter/", view(enter.enter_claim), name="enter_claim"),
        path(one, view(claim.claim_page), name="claim"),
        path(one + "bundles/", view(bundles.bundles), name="claim_bundles"),
        path(one + "recommend/", view(decision.recommend_claim), name="recommend_claim"),
        path(one + "take-back/", view(decision.withdraw_own_recommendation), name="withdraw_recommendation"),
        path(one + "return/", view(decision.send_back_recommendation), name="send_back_claim"),
        path(one + "decide/", view(decision.decide_claim), name="decide_claim"),
        path(one + "ask/", view(steps.ask), name="ask_claimant"),
        path(one + "answered/", view(steps.answered), name="claimant_answered"),
        path(one + "appeal/", view(steps.appeal), name="appeal_claim"),
        path(one + "withdraw/", view(steps.withdraw), name="withdraw_claim"),
        path(one + "link/", view(steps.new_link), name="send_claim_link"),
        path(one + "links/close/", view(steps.revoke_all_links), name="revoke_claim_links"),
        path(one + "proof/", view(steps.bring_proof), name="bring_proof"),
        path(one + "own/", view(customer_exclusions.propose_own), name="propose_own"),
        path(of_own + "confirm/", view(customer_exclusions.confirm_own), name="confirm_own"),
        path(of_own + "reject/", view(customer_exclusions.reject_own), name="reject_own"),
        path(of_own + "revoke/", view(customer_exclusions.revoke_own), name="revoke_own"),
        path(of_own + "withdraw/", view(customer_exclusions.withdraw_own), name="withdraw_own"),
        path(
            "availability/exclusion/<int:pk>/claim/",
            view(customer_exclusions.of_own_exclusion),
            name="claim_of_exclusion",
        ),
        path(of_proof + "preview/", view(proofs.preview), name="proof_preview"),
        path(of_proof + "original/", view(proofs.original), name="proof_original"),
        path("claims/enclosure/<int:pk>/", view(proofs.enclosure), name="enclosure"),
        path("claims/ledger/", view(ledger.ledger), name="ledger"),
        path("claims/ledger/balance/", view(billing.list_balances), name="balances"),
        path("claims/ledger/balance/<str:form>/", view(billing.export_balances), name="export_balances"),
        path("claims/ledger/billing/", view(billing.exports), name="billing"),
        path("claims/ledger/billing/<int:number>/<str:form>/", view(billing.export), name="export_billing"),
        path("claims/credit-note/<str:number>/", view(billing.credit_note), name="credit_note"),
        path("claims/ledger/<str:form>/", view(ledger.export), name="export_ledger"),
        path("claims/voucher/<int:pk>/", view(ledger.voucher), name="voucher"),
        path("claims/extension/<int:pk>/", view(ledger.extension), name="extension"),
        path("claims/could-have-claimed/", view(entitlements.newest), name="entitled_contracts"),
        path(of_month + "could-have-claimed/", view(entitlements.of_one_month), name="entitled_contracts_in"),
        path(of_month + "could-have-claimed/export/", view(entitlements.export), name="export_entitled_contracts"),
        path(of_month + "could-have-claimed/invite/", view(unclaimed.invite), name="invite_to_claim"),
        path(of_month + "could-have-claimed/credit/", view(unclaimed.credit), name="credit_without_claim"),
        path(of_month + "could-have-claimed/invitations/", view(unclaimed.invitations), name="invitations"),
        path("claims/invitation/<int:pk>/decline/", view(unclaimed.decline), name="decline_invitation"),
        path("claims/invitation/<int:pk>/withdraw/", view(unclaimed.withdraw), name="withdraw_invitation"),
        path(of_month + "claims-touched/", view(entitlements.affected_by_correction), name="affected_claims"),
    ]
