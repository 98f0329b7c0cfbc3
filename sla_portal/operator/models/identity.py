"""The operator's identity. Rows are only added."""

from __future__ import annotations

from dataclasses import replace

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from ..rules import ENDINGS, Operator, Picture, offers

CODES = [code for code, _name in settings.LANGUAGES]
ALL_LANGUAGES = ",".join(CODES)


class Logo(models.Model):
    """A logo as it is shown: re-encoded, with nothing but its pixels. Triggers refuse UPDATE and DELETE."""

    sha256 = models.CharField(_("SHA-256 of the file"), max_length=64, unique=True)
    media_type = models.CharField(_("type"), max_length=20)
    width = models.PositiveSmallIntegerField(_("width"), help_text=_("In pixels."))
    height = models.PositiveSmallIntegerField(_("height"), help_text=_("In pixels."))
    content = models.BinaryField(_("content"))

    class Meta:
        verbose_name = _("logo")
        verbose_name_plural = _("logos")
        default_permissions = ()
        constraints = [
            models.CheckConstraint(condition=models.Q(media_type__in=list(ENDINGS)), name="a_logo_is_png_or_jpeg"),
            models.CheckConstraint(condition=models.Q(width__gt=0, height__gt=0), name="a_logo_has_a_size"),
        ]

    def __str__(self) -> str:
        return f"{self.width} × {self.height}, SHA-256 {self.sha256}"

    @property
    def picture(self) -> Picture:
        return Picture(self.sha256, self.media_type, self.width, self.height)


class Identity(models.Model):
    """The operator's identity from an instant until the next row. Triggers refuse UPDATE and DELETE."""

    valid_from = models.DateTimeField(_("valid from"))
    saved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("saved by")
    )
    saved_by_name = models.CharField(_("saved by"), max_length=200)
    name = models.CharField(_("name"), max_length=200)
    name_zh = models.CharField(_("name in Chinese"), max_length=200, blank=True)
    address = models.CharField(_("postal address"), max_length=300, blank=True)
    address_zh = models.CharField(_("postal address in Chinese"), max_length=300, blank=True)
    contact_email = models.CharField(_("contact e-mail"), max_length=254, blank=True)
    contact_phone = models.CharField(_("contact phone"), max_length=50, blank=True)
    imprint_url = models.CharField(_("imprint"), max_length=500, blank=True)
    privacy_url = models.CharField(_("privacy policy"), max_length=500, blank=True)
    sender = models.CharField(_("sender address"), max_length=254, blank=True)
    reply_to = models.CharField(_("reply address"), max_length=254, blank=True)
    accent_light = models.CharField(_("accent colour, light"), max_length=7, blank=True)
    accent_dark = models.CharField(_("accent colour, dark"), max_length=7, blank=True)
    logo = models.ForeignKey(Logo, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("logo"))
    languages = models.CharField(_("languages offered"), max_length=100, default=ALL_LANGUAGES)
    default_language = models.CharField(_("first language"), max_length=10, choices=settings.LANGUAGES)
    customer_language = models.CharField(_("language of new customers"), max_length=10, choices=settings.LANGUAGES)

    class Meta:
        verbose_name = _("operator's identity")
        verbose_name_plural = _("operator's identity")
        ordering = ["-id"]
        default_permissions = ("view", "change")
        constraints = [
            models.CheckConstraint(condition=~models.Q(name=""), name="an_operator_has_a_name"),
            models.CheckConstraint(
                condition=models.Q(accent_light="", accent_dark="")
                | (~models.Q(accent_light="") & ~models.Q(accent_dark="")),
                name="an_accent_has_a_light_and_a_dark_colour",
            ),
            models.CheckConstraint(
                condition=(models.Q(imprint_url="") | models.Q(imprint_url__startswith="https://"))
                & (models.Q(privacy_url="") | models.Q(privacy_url__startswith="https://")),
                name="an_operator_s_links_are_https",
            ),
            models.CheckConstraint(
                condition=models.Q(default_language__in=CODES, customer_language__in=CODES),
                name="an_operator_s_languages_are_known",
            ),
            models.CheckConstraint(
                condition=models.Q(languages__in=offers(CODES)), name="an_operator_offers_at_least_one_language"
            ),
            models.CheckConstraint(
                condition=models.Q(languages__contains=models.F("default_language"))
                & models.Q(languages__contains=models.F("customer_language")),
                name="an_operator_s_own_languages_are_offered",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def operator(self) -> Operator:
        return replace(self.texts, logo=self.logo.picture if self.logo else None)

    @property
    def texts(self) -> Operator:
        """The identity without its logo, which e-mails do not carry."""
        return Operator(number=self.pk, logo=None, **self.stated())

    def stated(self) -> dict[str, str]:
        """Return the texts of the identity."""
        return {name: getattr(self, name) for name in STATED}


STATED = (
    "name",
    "name_zh",
    "address",
    "address_zh",
    "contact_email",
    "contact_phone",
    "imprint_url",
    "privacy_url",
    "sender",
    "reply_to",
    "accent_light",
    "accent_dark",
    "languages",
    "default_language",
    "customer_language",
)
"""The texts of an identity."""
