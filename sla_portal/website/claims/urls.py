"""The addresses of the claim form and of the page on which a claim is followed."""

from django.urls import path

from . import status, views

urlpatterns = [
    path("claim/", views.claim, name="claim"),
    path("claim/new-link/", views.new_link, name="claim_new_link"),
    path("claim/<str:key>/<str:step>/", views.step, name="claim_step"),
    path("claims/minutes/<str:token>/", status.minutes, name="claim_minutes"),
    path("claims/<str:token>/", status.status, name="claim_status"),
    path("claims/<str:token>/proof/", status.proof, name="claim_proof"),
    path("claims/<str:token>/answer/", status.answer, name="claim_answer"),
    path("claims/<str:token>/withdraw/", status.withdraw, name="claim_withdraw"),
    path("claims/<str:token>/letters/<str:number>.pdf", status.letter, name="claim_letter"),
    path("claims/<str:token>/appeal/", status.appeal, name="claim_appeal"),
]
