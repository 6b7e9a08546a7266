"""Who may use which models, and who may see which calls."""

from typing import Any, Self

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import models
from django.db.models import OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce

from core import clock

User = AbstractBaseUser | AnonymousUser


def _is_staff(user: User) -> bool:
    return bool(getattr(user, "is_staff", False))


class ProviderQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: User) -> Self:
        """Accounts at providers are the administrators' business."""
        return self if user.is_active and _is_staff(user) else self.none()


class ProfileQuerySet(models.QuerySet[Any]):
    def usable(self) -> Self:
        return self.filter(enabled=True, provider__enabled=True)

    def usable_by(self, user: User) -> Self:
        """Every enabled model, for whoever has an account."""
        return self.usable() if user.is_active else self.none()

    def visible_to(self, user: User) -> Self:
        """What one may use; administrators see the others too."""
        return self if user.is_active and _is_staff(user) else self.usable_by(user)

    def for_list(self) -> Self:
        """With its provider, and `is_priced`: whether a price is in force that has both rates."""
        model = self.model._meta.apps.get_model("llms", "ModelPrice")
        prices = model._base_manager.filter(
            provider_kind=OuterRef("provider__kind"),
            model=OuterRef("model"),
            effective_from__lte=clock.now(),
        )
        rates = Q(input_nano_usd_per_mtok__isnull=False, output_nano_usd_per_mtok__isnull=False)
        newest = prices.order_by("-effective_from", "above_input_tokens").values(known=rates)[:1]
        is_priced = Coalesce(Subquery(newest), Value(False))
        return self.select_related("provider").annotate(is_priced=is_priced)


class CallQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: User) -> Self:
        """One's own calls; staff see all."""
        if not user.is_active:
            return self.none()
        return self if _is_staff(user) else self.filter(user_id=user.pk)

    def of_origin(self, origin: str) -> Self:
        return self.filter(origin=origin)

    def for_list(self) -> Self:
        """All that a list shows; the answers stay where they are, they may be long."""
        return self.defer("answer", "parameters")
