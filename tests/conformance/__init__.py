"""What workflows do, told by data files: a graph, what the outside answers, what comes of it.

`cases/<what it is about>/<name>.yaml` is one run through the API, the pump and a provider on the
wire: with the pump in this process, and side by side with all others in a worker. To add one is to
write a file; unknown keys are errors. Only `about`, a graph and `expect` are needed.

    about: A sentence that is true of the product.

    nodes: {ask: {type: model, system: Be brief.}}   `type` and its config; start and end are there
    edges: [start > ask > end, ask.error > end]      chains; a port other than `out` after a dot
    graph: {nodes: […], edges: […]}                  in place of both: the document as it is sent

    message: hello          what alice (`@alice`) says; or `input: {…}` whole; `parameters: {…}`
    door: graph             by which it starts: a graph sent once, a `definition`, or a `chat`
    earlier: [hello]        what was said in the conversation before, each a turn of its own
    debug: true             its log tells what reached and left its nodes

    setup:
      settings: {CHATTER_LEASE_S: 10}                the server's settings, by their names
      limits: {steps: 10}                            what a run may take
      models: {gpt-narrow: {context_window: 40}}     a model beside the two, and what differs in it;
                                                     `of: anthropic`: of another kind of provider
      under_way: 2                                   so many other runs of alice wait to be begun
      definitions: {child: {nodes: …, edges: …}}     other workflows; `@definition:child` is its id
      web: {/page: {status: 200, text: hi}}          a web server; `@web` is its address; a page
                                                     `needs: {header: value}`, or is `silent` to
                                                     so many requests
      requests: [{post: /api/v1/…, body: {…}, by: admin}]     anything else that the API can do

    model:                  what the provider answers, one item for each request, in their order
      - say: Hello          or `fault: 400 …`, or `tools: [{name: {argument: 1}}]`, as of the wire
        asked: hello        only to a request whose last user message holds this
        model: gpt-too      only as this model: `wire:gpt-test` (the default one) or `wire:gpt-too`
        times: 2            to so many requests; `always` to any number, also none
        rounds: 1           with tools and a text: ask for the tools so often, then say the text
        thinks: 3           so many words before it says anything
    tools:                  what the tool `scripted` answers, one item for each call, in their order
      - {say: found, times: 1}     or with `data: …`; or `fail: why`, `crash: true`, `hang: true`

    then: [run]             what happens once it is accepted, step by step; see `steps.py`
    at_once: true           two things have to happen in one turn of a loop, which nobody can say
                            of a worker: only the pump in this process plays it
    kills: [model]          the case of these types when processes die: see `test_kills.py`, and
                            `test_killed.py`, where they are killed

    expect:
      status: completed     or failed, cancelled; or what it is in when the steps are over
      output: Hello         all of it; likewise `variables: {…}`, none by default
      error: {code: …, node: …}
      refused: [code path]  it does not start: the errors of its graph, or the code of the answer
      ran: [start, ask, end]         each end of a visit, in order: `node` left by `out`,
                                     `node.port`, `node!code` failed; a list inside: in any order,
                                     but for `a > b` there, which come in this one
      calls: [ask 1.1 succeeded]     the ledger: node, visit.call, status, the code of an error, and
                                     `by cache` or `by recording`
      tool_calls: [tools 1.1 clock succeeded]        likewise with the tool
      sent: [POST /page hi #1]       what reached the web server: method, path, body, and the number
                                     of its Idempotency-Key, if it had one
      shown: [ask < hello, ask > Hi] what debug mode tells of the texts of nodes
      asked: [[system: Be brief., user: hello]]      every message of each request of the run
      options: [{tool_choice: none}]    what else each request held, but for its length and stream
      events: {run: "execution.created, …", ask: …}  the types of all events of the run and of each
                                     visit (the second one: `ask 2`), pieces of text as one; as the
                                     log has them, `recording.py` writes them
      usage: {input: 4, output: 1, exactness: metered}    any of the run's totals

Whatever is left out of `calls`, `tool_calls`, `sent` and `ran` did not happen. Of every run it is
also asked that its log is gapless, in order and ends once, that kept totals and the audit trail are
sound, that log, ledger and provider agree, call by call, and that every answer of the script was
asked for.

What a new part of the product needs is a field of `Setup` or a word in `steps.py`; what it has to
show, `test_coverage.py` says.
"""
