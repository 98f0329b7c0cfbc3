"""The addresses of the customer account."""

from django.urls import path

from . import views

OF_CUSTOMER = "account/customers/<str:code>/"

urlpatterns = [
    path("account/", views.enter, name="account"),
    path("account/code/<str:key>/", views.code, name="account_code"),
    path("account/link/<str:token>/", views.link, name="account_link"),
    path("account/sign-out/", views.sign_out, name="account_sign_out"),
    path(OF_CUSTOMER, views.overview, name="account_customer"),
    path(f"{OF_CUSTOMER}months/", views.months, name="account_months"),
    path(f"{OF_CUSTOMER}months/<str:month>/claim/", views.start_claim, name="account_start_claim"),
    path(f"{OF_CUSTOMER}reports/<int:pk>.pdf", views.report, name="account_report"),
    path(f"{OF_CUSTOMER}reports/by-mail/", views.reports_by_mail, name="account_reports_by_mail"),
    path(f"{OF_CUSTOMER}claims/", views.claims, name="account_claims"),
    path(f"{OF_CUSTOMER}claims/<str:number>/", views.claim, name="account_claim"),
    path(f"{OF_CUSTOMER}messages/", views.messages, name="account_messages"),
    path(f"{OF_CUSTOMER}messages/<str:number>/", views.message, name="account_message"),
    path(f"{OF_CUSTOMER}messages/<str:number>/<int:pk>/", views.attachment, name="account_attachment"),
    path(f"{OF_CUSTOMER}agreement/", views.agreement, name="account_agreement"),
    path(f"{OF_CUSTOMER}export/", views.export, name="account_export"),
]
