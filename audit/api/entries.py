"""The audit trail, for staff."""

from django_filters import rest_framework as filters
from rest_framework import generics, serializers
from rest_framework.permissions import IsAdminUser

from audit.models import AuditEntry
from audit.querysets import AuditEntryQuerySet
from core.pagination import NewestFirst


class EntryOut(serializers.ModelSerializer[AuditEntry]):
    actor = serializers.UUIDField(source="actor_id", read_only=True, allow_null=True)
    actor_name = serializers.CharField(read_only=True, allow_null=True)
    personal = serializers.JSONField(source="personal_content", read_only=True)
    seq = serializers.IntegerField(read_only=True, allow_null=True)
    seal = serializers.CharField(read_only=True)

    class Meta:
        model = AuditEntry
        fields = (
            "id",
            "seq",
            "at",
            "action",
            "outcome",
            "actor",
            "actor_name",
            "target",
            "detail",
            "personal",
            "request_id",
            "hash",
            "seal",
        )


class EntryFilter(filters.FilterSet):
    actor = filters.UUIDFilter(field_name="actor_id")

    class Meta:
        model = AuditEntry
        fields = ("action", "target", "request_id")


class EntryList(generics.ListAPIView[AuditEntry]):
    """Entries, newest first; `seq` and `seal` are null and empty for at most a second."""

    permission_classes = [IsAdminUser]
    serializer_class = EntryOut
    filterset_class = EntryFilter
    pagination_class = NewestFirst
    queryset = AuditEntry.objects.none()

    def get_queryset(self) -> AuditEntryQuerySet:
        return AuditEntry.objects.visible_to(self.request.user).for_list()
