"""A local server that speaks OpenAI's and Anthropic's wire formats and keeps its own meter.

Real clients (`ChatOpenAI`, `ChatAnthropic`, the SDKs) are pointed at it, and what they believe they
used is compared with what the server says it billed.

    with WireServer() as wire:
        options = {"api_key": "key", "max_retries": 0}
        ChatOpenAI(model="gpt-test", base_url=wire.url + "/v1", stream_usage=True, **options)
        ChatAnthropic(model="claude-test", base_url=wire.url, **options)
        wire.meter.settled()         # every record, once nothing is under way; received(n), sooner

    python -m tests.wire --port 0 --meter meter.jsonl     # prints its port on its first line

The process ends on SIGTERM, or when its standard input is a pipe and closes.

**Routes.** POST /v1/chat/completions · POST /v1/messages · GET /v1/models · GET and DELETE /meter ·
POST and DELETE /script. Any other path is a 404 that is metered too, so a client that turns to
another API is seen.

**Directives** stand in double brackets in the last user message; what is not one is left alone, a
known one with a wrong value is answered with 400. Several may share a bracket.

    [[words=30]]           length of the answer (default 32, with an echo of the first words)
    [[say=exact text]]     answer exactly this; the text runs to the closing brackets
    [[unicode]]            words of two, three and four bytes
    [[chop=7]]             a stream comes in pieces of 7 bytes, so characters are torn apart
    [[delay_ms=20]]        before every word         [[first_ms=200]]  before the first byte
    [[cached=100]]         tokens read from cache, on top of the tokens of the text
    [[cache_write=50]]     tokens written to cache, likewise; `ttl=1h`: hour-long (Anthropic)
    [[reasoning=40]]       hidden tokens (OpenAI), a thinking block of as many words (Anthropic)
    [[tool=name {"a": 1}]] call a tool, if one of that name was offered; several: in parallel
    [[rounds=3]]           ask for the tools in each of 3 rounds (default 1), then answer in words
    [[fault=…]]            one of the following; of several, the first still in force is the one

Faults. `times=n` on any: only for the first n requests with the same last user message, so that a
retry succeeds. `after=n`: once n words are out (0 unless given), for those marked *.

    400 401 403 404 408 413 429 500 502 503 504 529
                         an error answer; `retry_after=1` sets the header
    quota · context      out of credit · prompt too long, with each API's own status and words
    cut*                 the connection is closed; without `after`, before any byte of an answer
    hang*                nothing more comes until the client leaves; without `after`, nothing at all
    stream_error*        the API's own error event within the stream (not streamed: a 500)
    malformed*           JSON that breaks off, in an answer that ends well
    content_filter*      the answer stops there: `content_filter`, `refusal`
    slow                 `first_ms` before the first byte (default 3000)
    empty                an answer without text
    no_usage             usage is billed and never told
    bare_usage           only the totals are told, as by many gateways: no details, and no input in
                         Anthropic's `message_delta`
    null_usage           every number of the usage is null
    unstreamed           an answer in one piece, though a stream was asked for
    unoffered            its tools are called whether they were offered or not

**Script.** POST /script, or `wire.script(...)`, adds a rule that acts as if its directives stood in
the message; the message's own win, key by key. The first rule that applies is the one used.

    {"directives": "fault=429 retry_after=1", "next": 3}           the next 3 requests
    {"directives": "fault=500", "probability": 0.1, "seed": 7}     each with that chance
    … "match": "text", "model": "gpt-test"                         such messages, that model only

The chance is a hash of seed, message and attempt, so it does not depend on the order of arrival.

**Tokens.** In: one per whitespace-separated word of all message text (directives, system and tool
results too), and 3 per message. Out: one per word of text, thinking, tool name and arguments, and
never less than 1. Both APIs count the same.

**Meter.** One `Record` per request; its id is the answer's id (`chatcmpl-…`, `msg_…`) and the
`x-request-id` / `request-id` header; the `X-Chatter-Call` header is kept beside it. `usage` is in
disjoint categories, and None if nothing was billed: error answers, and a cut or hang before any
byte. Otherwise a stream is billed its input and the output that was sent, and an answer not
streamed is billed whole, also when it is cut or the client leaves before it comes: the work is done
by then. A record is finished before the last byte of its answer goes out, so a client that has its
answer finds it there; that a client has left is noticed a little later, so `meter.settled()` waits
until nothing is under way.
"""

from .meter import Meter, Record
from .running import WirePart, WireServer

__all__ = ["Meter", "Record", "WirePart", "WireServer"]
