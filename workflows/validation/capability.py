"""Can the models that are asked do what is asked of them? By the capabilities of their profiles."""

from collections.abc import Iterator

from llms.estimate import measured_input
from llms.messages import ChatMessage
from llms.parameters import CALLER_PARAMETERS, not_taken
from llms.profiles import ProfileSpec
from workflows.definition.references import literal_in
from workflows.validation.issue import Issue, error, warning
from workflows.validation.models import ModelName, models_named_by
from workflows.validation.subject import Node, Subject

# A setting that, when it is there and not empty, needs a capability.
_NEEDS = {"tools": "tools", "output_schema": "structured_output"}


def check_capability(subject: Subject) -> Iterator[Issue]:
    if subject.world is None:
        return
    for node in subject.nodes:
        for named in models_named_by(node):
            profile = subject.world.model(named.name)
            if profile is not None:
                yield from _abilities(node, named, profile)
                yield from _room(node, profile)
                yield from _parameters(node, profile)
                yield from _instructions(node, profile)


def _abilities(node: Node, named: ModelName, profile: ProfileSpec) -> Iterator[Issue]:
    for setting, capability in _NEEDS.items():
        if _is_set(node, setting) and capability not in profile.capabilities:
            message = f"{profile.name} has no {capability.replace('_', ' ')}, and '{setting}' asks."
            hint = "Take another model, or have an administrator mend the model's profile."
            yield error(f"model_without_{capability}", named.path, message, hint)


def _instructions(node: Node, profile: ProfileSpec) -> Iterator[Issue]:
    """The instructions as they stand there, as long as a call would take them to be."""
    text, wanted = node.setting("system"), node.setting("max_tokens")
    window = profile.context_window
    if not isinstance(text, str) or not text or not window:
        return
    answer = wanted if isinstance(wanted, int) and wanted < window else 1
    told, _ = measured_input([ChatMessage("system", literal_in(text))], ())
    over = told + answer - window
    if over > 0:
        message = f"{profile.name} has room for {window:,} tokens; this text has about {told:,}"
        message += f", and the answer is to have {answer:,}." if answer > 1 else "."
        hint = f"Both together are {over:,} too many: shorten it, or lower max_tokens."
        yield error("context_too_small", node.path("config", "system"), message, hint)


def _room(node: Node, profile: ProfileSpec) -> Iterator[Issue]:
    wanted, path = node.setting("max_tokens"), node.path("config", "max_tokens")
    if not isinstance(wanted, int):
        return
    window, most = profile.context_window, profile.max_output_tokens
    if window is not None and wanted >= window:
        message = f"{profile.name} has room for {window:,} tokens, the question included."
        yield error("max_tokens_over_window", path, message)
    elif most is not None and wanted > most:
        message = f"{profile.name} answers with at most {most:,} tokens."
        yield warning("max_tokens_over_output", path, message)


def _is_set(node: Node, name: str) -> bool:
    return node.has(name) and node.setting(name) not in (None, (), [])


def _parameters(node: Node, profile: ProfileSpec) -> Iterator[Issue]:
    """What the provider does not know is not sent: a run goes on without it."""
    wanted = [name for name in CALLER_PARAMETERS if _is_set(node, name)]
    for name in sorted(not_taken(profile.provider_kind, wanted)):
        message = f"The provider of {profile.name} knows no '{name}': it is asked without."
        yield warning("parameter_not_taken", node.path("config", name), message)
