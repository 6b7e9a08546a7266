"""Which tools are switched on, and which of them need a grant."""

from django.db import models

from core.models import EditableRecord
from tools.querysets import SettingQuerySet


class ToolSetting(EditableRecord):
    """What administrators decided about a tool; one row for each, made by `migrate`."""

    tool = models.CharField(max_length=64, unique=True, editable=False)
    enabled = models.BooleanField(default=True, help_text="Off: nobody can use it.")
    open_to_all = models.BooleanField(
        default=True,
        help_text="On: whoever has no grant for it may use it too. Off: only by a grant.",
    )

    objects = SettingQuerySet.as_manager()

    class Meta:
        ordering = ["tool"]
        default_permissions = ("view", "change")

    def __str__(self) -> str:
        return self.tool
