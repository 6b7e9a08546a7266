"""Texts made of texts: several models, one after the other."""

from workflows.built_in.parts import MODEL, Json, line, node, template


def _writing() -> Json:
    start = node("start", "start", 0)
    outline = node(
        "outline",
        "model",
        1,
        model="{{params.model}}",
        system="Write an outline for a blog post about what the user wants: a working title, then "
        "five to seven headings with one line each. Answer with the outline only.",
    )
    draft = node(
        "draft",
        "model",
        2,
        model="{{params.model}}",
        system="Write the blog post of this outline, in Markdown, {{params.tone}} in tone, in "
        "about {{params.words}} words. It was asked for like this: {{input.message}}",
    )
    polish = node(
        "polish",
        "model",
        3,
        model="{{params.model}}",
        system="Edit this blog post: shorten sentences, take out clichés and repetitions, keep the "
        "facts and the Markdown. Answer with the finished post only.",
    )
    nodes = (start, outline, draft, polish, node("end", "end", 4))
    return {"nodes": list(nodes), "edges": line(*nodes)}


def _meeting() -> Json:
    start = node("start", "start", 0)
    minutes = node(
        "minutes",
        "model",
        1,
        model="{{params.model}}",
        system="Write the minutes of the meeting whose transcript the user gives, in "
        "{{params.language}}, in Markdown, under the headings Summary, Decisions, Tasks (who, "
        "what, until when) and Open questions. Write 'none' where there is nothing; add nothing.",
    )
    nodes = (start, minutes, node("end", "end", 2))
    return {"nodes": list(nodes), "edges": line(*nodes)}


BLOG_WRITING_ASSISTANT = template(
    "blog_writing_assistant",
    "Blog writing assistant",
    "Outlines, writes and edits a blog post, each with a question of its own.",
    "creative",
    {
        "model": MODEL,
        "tone": {"type": "string", "default": "friendly and precise", "title": "Tone"},
        "words": {"type": "integer", "default": 700, "title": "Length in words"},
    },
    _writing(),
)
MEETING_SUMMARIZER = template(
    "meeting_summarizer",
    "Meeting summarizer",
    "Turns a transcript into minutes: summary, decisions, tasks, open questions.",
    "business",
    {
        "model": MODEL,
        "language": {"type": "string", "default": "the transcript's language", "title": "Language"},
    },
    _meeting(),
)
