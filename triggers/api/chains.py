"""Chains: list, make, look at, change, delete, and what came of them."""

from typing import Annotated, Any, Literal
from uuid import UUID

from drf_spectacular.utils import extend_schema, extend_schema_view
from pydantic import AfterValidator, Field
from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import user_of
from core.api import parse
from core.listing import ListFilter, Page, ShapeList
from core.names import Name
from triggers.api.shapes import ChainFiringOut, ChainOut, chain_firing_out, chain_out
from triggers.models import Chain, ChainFiring
from triggers.services.chains import chain_for, change_chain, create_chain, delete_chain
from workflows.api.inputs import Body, JsonObject, Text
from workflows.api.revisions import IF_MATCH, etag, if_match

_NAME = 255
End = Literal["completed", "failed", "cancelled"]


def _each_once(ends: list[str]) -> list[str]:
    return sorted(set(ends))


Ends = Annotated[list[End], Field(min_length=1), AfterValidator(_each_once)]


class ChainIn(Body):
    """What has to end, and how; then what to run, a definition or a template (slug or id).

    `condition` is an expression, `input` has expressions in `{{ }}`; both can use `execution`,
    `output` and `error`.
    """

    name: Name
    after_definition: UUID | None = None
    after_template: Text = Field(default="", max_length=_NAME)
    on: Ends = ["completed"]
    condition: Text = Field(default="", max_length=1_000)
    definition: UUID | None = None
    template: Text = Field(default="", max_length=_NAME)
    input: JsonObject = Field(default_factory=dict)
    parameters: JsonObject = Field(default_factory=dict)
    paused: bool = False


class ChainChange(ChainIn):
    """Sets the given fields. `revision` (or If-Match) is the one you read: 412 if outdated."""

    name: Name = ""
    revision: int | None = None


class ChainFilter(ListFilter):
    class Meta:
        model = Chain
        fields = ["paused", "after_definition", "after_template", "definition", "template"]


@extend_schema_view(get=extend_schema("chains_list", responses=Page[ChainOut]))
class ChainList(ShapeList):
    """Your chains, newest first."""

    filterset_class = ChainFilter
    queryset = Chain.objects.none()
    shown = staticmethod(chain_out)

    def get_queryset(self) -> Any:
        return Chain.objects.visible_to(user_of(self.request)).for_list()

    @extend_schema(request=ChainIn, responses={201: ChainOut})
    def post(self, request: Request) -> Response:
        body = parse(ChainIn, request)
        made = create_chain(owner=user_of(request), **body.model_dump())
        return shown(made, status.HTTP_201_CREATED)


class ChainDetail(GenericAPIView[Chain]):
    @extend_schema(responses=ChainOut)
    def get(self, request: Request, pk: str) -> Response:
        return shown(chain_for(user_of(request), pk))

    @extend_schema(request=ChainChange, parameters=[IF_MATCH], responses=ChainOut)
    def patch(self, request: Request, pk: str) -> Response:
        chain = chain_for(user_of(request), pk)
        changes = parse(ChainChange, request).model_dump(exclude_unset=True) | if_match(request)
        return shown(change_chain(chain, by=user_of(request), **changes))

    @extend_schema(parameters=[IF_MATCH], responses={204: None})
    def delete(self, request: Request, pk: str) -> Response:
        chain = chain_for(user_of(request), pk)
        delete_chain(chain, by=user_of(request), **if_match(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema_view(get=extend_schema("chain_firings_list", responses=Page[ChainFiringOut]))
class ChainFiringList(ShapeList):
    """The outcome of each end of an execution, newest first."""

    filter_backends = ()
    queryset = ChainFiring.objects.none()
    shown = staticmethod(chain_firing_out)

    def get_queryset(self) -> Any:
        user = user_of(self.request)
        chain = chain_for(user, self.kwargs["pk"])
        return ChainFiring.objects.visible_to(user).filter(chain=chain)


def shown(chain: Chain, code: int = status.HTTP_200_OK) -> Response:
    """The chain, with its revision as the ETag."""
    return Response(chain_out(chain).to_json(), status=code, headers=etag(chain))
