"""The calling user, and the limits that apply."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import generics, serializers

from accounts.limits import limits_of
from accounts.models import User
from core.limits import RunLimits


class UserOut(serializers.ModelSerializer[User]):
    """`limits` are the most that the user's runs may use; null: no limit."""

    email = serializers.CharField(read_only=True)  # of no format: some users have none
    limits = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = (
            *("id", "username", "first_name", "last_name", "email", "is_staff", "date_joined"),
            "limits",
        )
        read_only_fields = fields

    @extend_schema_field(RunLimits)  # type: ignore[arg-type]  # it reads pydantic models
    def get_limits(self, user: User) -> dict[str, Any]:
        return limits_of(user).model_dump(mode="json")


class Me(generics.RetrieveAPIView[User]):
    """The user this token or session acts for."""

    serializer_class = UserOut

    def get_object(self) -> User:
        return self.request.user  # type: ignore[return-value]
