"""Staff members and their roles."""

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import UserChangeForm, UserCreationForm
from django.contrib.auth.models import Group, User
from django.db import models, transaction
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _

from sla_portal.audit.admin import AuditedForm, AuditedModelAdmin, ReadOnlyModelAdmin, clock_column

admin.site.unregister(User)
admin.site.unregister(Group)


class StaffForm(AuditedForm, UserChangeForm):
    """Change a staff member and their roles."""


class NewStaffForm(UserCreationForm):
    """Add a staff member; users added here may sign in to the staff pages."""

    def save(self, commit=True):
        self.instance.is_staff = True
        return super().save(commit)


@admin.register(User)
class StaffAdmin(AuditedModelAdmin, UserAdmin):
    form = StaffForm
    add_form = NewStaffForm
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
        "is_active",
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
        return ", ".join(sorted(group.name for group in user.groups.all())) or (
            _("superuser") if user.is_superuser else "–"
        )

    def lookup_allowed(self, lookup, value, request=None):
        return AuditedModelAdmin.lookup_allowed(self, lookup, value, request)

    def has_change_permission(self, request, obj=None):
        """Only a superuser may change a superuser."""
        beyond = obj is not None and obj.is_superuser and not request.user.is_superuser
        return not beyond and super().has_change_permission(request, obj)

    def has_delete_permission(self, request, obj=None):
        """Refuse deletion, because the audit log refers to users; deactivate a user who leaves."""
        return False

    @method_decorator(transaction.atomic)
    def user_change_password(self, request, id, form_url=""):  # noqa: A002
        return super().user_change_password(request, id, form_url)


@admin.register(Group)
class RoleAdmin(ReadOnlyModelAdmin):
    """Show the roles; `roles.py` defines them."""

    list_display = ("name",)
    ordering = ("name",)
