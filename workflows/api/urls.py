"""Addresses of the workflows API."""

from django.urls import path

from workflows.api.approvals import ApprovalDecide, ApprovalDetail, ApprovalList
from workflows.api.definitions import DefinitionDetail, DefinitionFork, DefinitionList
from workflows.api.execute import DefinitionExecute, GraphExecute, TemplateExecute
from workflows.api.executions import (
    ExecutionCancel,
    ExecutionDetail,
    ExecutionEvents,
    ExecutionList,
)
from workflows.api.forecasts import DefinitionForecast, GraphForecast, TemplateForecast
from workflows.api.interchange import DefinitionExport, DefinitionImport
from workflows.api.node_types import NodeTypeDetail, NodeTypeList
from workflows.api.reruns import ExecutionFork, ExecutionReplay
from workflows.api.streaming import UserEvents
from workflows.api.templates import (
    DefinitionTemplate,
    TemplateDefinition,
    TemplateDetail,
    TemplateList,
)
from workflows.api.validation import Validate
from workflows.api.versions import (
    VersionDetail,
    VersionDiff,
    VersionList,
    VersionPublish,
    VersionRestore,
)

_DEFINITION = "definitions/<str:pk>/"
_VERSION = _DEFINITION + "versions/<int:number>/"

urlpatterns = [
    path("executions/", ExecutionList.as_view(), name="execution-list"),
    path("executions/<str:pk>/", ExecutionDetail.as_view(), name="execution-detail"),
    path("executions/<str:pk>/events/", ExecutionEvents.as_view(), name="execution-events"),
    path("events/", UserEvents.as_view(), name="user-events"),
    path("executions/<str:pk>/cancel/", ExecutionCancel.as_view(), name="execution-cancel"),
    path("approvals/", ApprovalList.as_view(), name="approval-list"),
    path("approvals/<str:pk>/", ApprovalDetail.as_view(), name="approval-detail"),
    path("approvals/<str:pk>/decide/", ApprovalDecide.as_view(), name="approval-decide"),
    path("executions/<str:pk>/replay/", ExecutionReplay.as_view(), name="execution-replay"),
    path("executions/<str:pk>/fork/", ExecutionFork.as_view(), name="execution-fork"),
    path("workflows/validate/", Validate.as_view(), name="workflow-validate"),
    path("templates/", TemplateList.as_view(), name="template-list"),
    path("templates/<str:pk>/", TemplateDetail.as_view(), name="template-detail"),
    path("templates/<str:pk>/execute/", TemplateExecute.as_view(), name="template-execute"),
    path(
        "templates/<str:pk>/definition/", TemplateDefinition.as_view(), name="template-definition"
    ),
    path("templates/<str:pk>/forecast/", TemplateForecast.as_view(), name="template-forecast"),
    path("node-types/", NodeTypeList.as_view(), name="node-type-list"),
    path("node-types/<str:key>/", NodeTypeDetail.as_view(), name="node-type-detail"),
    path("workflows/execute/", GraphExecute.as_view(), name="graph-execute"),
    path("workflows/forecast/", GraphForecast.as_view(), name="graph-forecast"),
    path("definitions/", DefinitionList.as_view(), name="definition-list"),
    path("definitions/import/", DefinitionImport.as_view(), name="definition-import"),
    path(_DEFINITION, DefinitionDetail.as_view(), name="definition-detail"),
    path(_DEFINITION + "fork/", DefinitionFork.as_view(), name="definition-fork"),
    path(_DEFINITION + "export/", DefinitionExport.as_view(), name="definition-export"),
    path(_DEFINITION + "template/", DefinitionTemplate.as_view(), name="definition-template"),
    path(_DEFINITION + "forecast/", DefinitionForecast.as_view(), name="definition-forecast"),
    path(_DEFINITION + "execute/", DefinitionExecute.as_view(), name="definition-execute"),
    path(_DEFINITION + "versions/", VersionList.as_view(), name="version-list"),
    path(_VERSION, VersionDetail.as_view(), name="version-detail"),
    path(_VERSION + "publish/", VersionPublish.as_view(), name="version-publish"),
    path(_VERSION + "restore/", VersionRestore.as_view(), name="version-restore"),
    path(
        _DEFINITION + "versions/<int:before>/diff/<int:after>/",
        VersionDiff.as_view(),
        name="version-diff",
    ),
]
