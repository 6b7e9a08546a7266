"""The audit trail, for staff."""

from django_filters import rest_framework as filters
from rest_framework import generics, serializers
from rest_framework.permissions import IsAdminUser

from audit.models import AuditEntry
from audit.querysets import AuditEntryQuerySet
from core.pagination import NewestFirst


class EntryOut(serializers.ModelSerializer[AuditEntry]):
    actor = serializers.UUIDField(source="actor_id", read_only=True)
    actor_name = serializers.CharField(read_only=True)
    personal = serializers.JSONField(source="personal_content", read_only=True)

    class Meta:
        model = AuditEntry
        fields = (
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
            "previous_hash",
            "hash",
        )


class EntryFilter(filters.FilterSet):
    actor = filters.UUIDFilter(field_name="actor_id")

    class Meta:
        model = AuditEntry
        fields = ("action", "target", "request_id")


class NewestEntriesFirst(NewestFirst):
    ordering = "-seq"


class EntryList(generics.ListAPIView[AuditEntry]):
    """Entries, newest first."""

    permission_classes = [IsAdminUser]
    serializer_class = EntryOut
    filterset_class = EntryFilter
    pagination_class = NewestEntriesFirst
    queryset = AuditEntry.objects.none()

    def get_queryset(self) -> AuditEntryQuerySet:
        return AuditEntry.objects.visible_to(self.request.user).for_list()
