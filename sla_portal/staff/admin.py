"""Staff members and their roles."""

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from django.contrib.auth.models import Group, Permission, User
from django.db import models, transaction
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sla_portal.audit.admin import AuditedForm, AuditedModelAdmin, ReadOnlyModelAdmin, clock_column
from sla_portal.audit.versions import acting
from sla_portal.notices.operations import invite
from sla_portal.notices.tasks import deliver_soon

from .contracts import correction as _contract  # noqa: F401  registers the form of a contract in place of its app's own
from .customers import record  # noqa: F401  that of a customer
from .incidents import correction  # noqa: F401  and the one that corrects an incident
from .maintenance import listing  # noqa: F401  and the list of windows
from .models import FailedSignIns
from .removal import Removable
from .roles import role_name

admin.site.unregister(User)
admin.site.unregister(Group)


class StaffForm(AuditedForm, UserChangeForm):
    """Change a staff member and their roles."""


class NewStaffForm(UserCreationForm):
    """Add a staff member; users added here may sign in to the staff pages. Without a password they are invited to set one."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for name in ("password1", "password2"):
            self.fields[name].required = False
        self.fields["password1"].help_text = format_html(
            "{}<br>{}",
            _("Leave both empty: the person gets an e-mail with a link to set a password."),
            self.fields["password1"].help_text,
        )

    def clean(self):
        facts = super().clean() or self.cleaned_data
        typed = [bool(self.data.get(name)) for name in ("password1", "password2")]
        if not any(typed) and not facts.get("email"):
            self.add_error("email", _("Enter an address for the invitation, or a password below."))
        elif any(typed) and not all(typed):
            self.add_error("password2", self.error_messages["password_mismatch"])
        return facts

    def save(self, commit=True):
        self.instance.is_staff = True
        user = super().save(commit=False)
        if not self.cleaned_data["password1"]:
            user.set_unusable_password()
        if commit:
            user.save()
            self.save_m2m()
        return user


class PasswordForm(AdminPasswordChangeForm):
    """Set the password of a staff member, or allow none."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "usable_password" in self.fields:  # Django 5.2 has its help text in English only
            self.fields["usable_password"].help_text = _("Disabled: the present password is removed.")


@admin.register(User)
class StaffAdmin(Removable, AuditedModelAdmin, UserAdmin):
    form = StaffForm
    add_form = NewStaffForm
    change_password_form = PasswordForm
    add_form_template = None
    formfield_overrides = {
        models.ManyToManyField: {
            "widget": forms.CheckboxSelectMultiple(attrs={"class": "choices"}),
            "label": _("Roles"),
            "help_text": "",
        }
    }
    list_display = (
        "username",
        "full_name",
        "email",
        "roles",
        "active",
        clock_column("last_login", _("last sign-in")),
    )
    list_filter = ()
    search_help_text = _("Name or e-mail")
    sortable_by = ("username",)
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("username", "password", "first_name", "last_name", "email", "is_active", "groups")}),
    )
    add_fieldsets = (
        (None, {"fields": ("username", "first_name", "last_name", "email", "groups", "password1", "password2")}),
    )
    add_words = _("Add staff member")
    nothing_yet = _("No staff members yet. Add each one here and assign roles.")

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("groups")

    @admin.display(description=_("name"))
    def full_name(self, user):
        return user.get_full_name()

    @admin.display(description=_("roles"))
    def roles(self, user):
        return ", ".join(sorted(role_name(group) for group in user.groups.all())) or (
            _("superuser") if user.is_superuser else "–"
        )

    @admin.display(description=_("active"))
    def active(self, user):
        return _("yes") if user.is_active else _("no")

    def formfield_for_manytomany(self, db_field, request, **kwargs):
        field = super().formfield_for_manytomany(db_field, request, **kwargs)
        if db_field.name == "groups":
            field.label_from_instance = role_name
        return field

    def lookup_allowed(self, lookup, value, request=None):
        return AuditedModelAdmin.lookup_allowed(self, lookup, value, request)

    def has_change_permission(self, request, obj=None):
        """Only a superuser may change a superuser."""
        beyond = obj is not None and obj.is_superuser and not request.user.is_superuser
        return not beyond and super().has_change_permission(request, obj)

    def has_delete_permission(self, request, obj=None):
        """Only a superuser may remove a superuser."""
        beyond = obj is not None and obj.is_superuser and not request.user.is_superuser
        return not beyond and super().has_delete_permission(request, obj)

    def get_deleted_objects(self, objs, request):
        deleted, counts, permissions, kept = super().get_deleted_objects(objs, request)
        if request.user in objs:
            # The entry about the removal would rest on the account.
            kept.append(_("You are signed in with this account. Another administrator removes it."))
        return deleted, counts, permissions, kept

    def save_related(self, request, form, formsets, change):
        super().save_related(request, form, formsets, change)
        if not change and not form.instance.has_usable_password():
            invite(actor=acting(request), user=form.instance, now=timezone.now())
            deliver_soon()
            messages.info(
                request,
                _("An e-mail with a link to set a password goes to %(address)s.") % {"address": form.instance.email},
            )

    def construct_change_message(self, request, form, formsets, add=False):
        if isinstance(form, PasswordForm):
            # Django names the model's field among its changes, not those that were typed into.
            return {"password": [None, "new value set"]}, ""
        return super().construct_change_message(request, form, formsets, add)

    @method_decorator(transaction.atomic)
    def user_change_password(self, request, id, form_url=""):  # noqa: A002
        return super().user_change_password(request, id, form_url)


@admin.register(FailedSignIns)
class FailedSignInsAdmin(ReadOnlyModelAdmin):
    """Failed sign-ins of the last 90 days, by account and hour."""

    list_display = (clock_column("hour", _("hour")), "account", "failures", "locked_out")
    list_select_related = ("user",)
    fields = ("hour", "account", "failures", "locked_out", "recorded")
    readonly_fields = ("account",)
    log_at_foot = False
    nothing_yet = _(
        "No failed sign-ins. Each hour of the last 90 days with a failed attempt is listed for each account."
    )

    @admin.display(description=_("account"))
    def account(self, counted):
        return counted.user or _("unknown names")


@admin.register(Group)
class RoleAdmin(ReadOnlyModelAdmin):
    """Show the roles; `roles.py` defines them."""

    list_display = ("role",)
    ordering = ("name",)
    fields = ("role", "held")

    def get_object(self, *args, **kwargs):
        """Return the role under its name in the reader's language; it is never saved."""
        group = super().get_object(*args, **kwargs)
        if group is not None:
            group.name = role_name(group)
        return group

    @admin.display(description=_("role"), ordering="name")
    def role(self, group):
        return role_name(group)

    @admin.display(description=_("permissions"))
    def held(self, group):
        held = group.permissions.select_related("content_type")
        return format_html_join("", "{}<br>", ((line,) for line in sorted(map(permission_name, held))))


def permission_name(permission: Permission) -> str:
    """Return the name of a permission in the reader's language."""
    model = permission.content_type.model_class()
    if model is None:
        return permission.name
    own = dict(model._meta.permissions)
    if permission.codename in own:
        return gettext(own[permission.codename])
    names = {
        "add": _("Can add: %(record)s"),
        "change": _("Can change: %(record)s"),
        "delete": _("Can delete: %(record)s"),
        "view": _("Can view: %(record)s"),
    }
    return str(names[permission.codename.partition("_")[0]]) % {"record": model._meta.verbose_name}
