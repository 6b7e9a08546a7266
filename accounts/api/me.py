"""Who the caller is."""

from rest_framework import generics, serializers

from accounts.models import User


class UserOut(serializers.ModelSerializer[User]):
    class Meta:
        model = User
        fields = ("id", "username", "first_name", "last_name", "email", "is_staff", "date_joined")
        read_only_fields = fields


class Me(generics.RetrieveAPIView[User]):
    """The user this token or session acts for."""

    serializer_class = UserOut

    def get_object(self) -> User:
        return self.request.user  # type: ignore[return-value]
