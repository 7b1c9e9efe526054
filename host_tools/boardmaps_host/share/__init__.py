"""One board, many programs: a port has one owner, its *hub*, and every program of ours speaks with that.

The hub is a process of its own. The first program that opens a port starts it, and it ends when nobody is left. Nothing changes
on the board: to it the hub is the host. To a program the hub is a board: it speaks the line's own frames, so that a program is
the same client (client/) over another transport (client/transports/shared.py), and exactly-once, subscriptions, console, a
locked line and timeouts are what they are alone.

    program A ── session A ──┐                               ┌── requests, in the order in which they came
    program B ── session B ──┤ hub: a board to each of them ─┤   one session with the board
    program C ── session C ──┘      a host to the board      └── subscriptions, each once

What holds it together:

- A program's request is executed once in its session (programs.py): the hub takes it once, sends it on in the hub's own session
  with the board, which executes it once, and keeps the reply. Payloads go on as they are, so that what is one step alone is one
  step here: a batch, an addition, a long request.
- Requests go to the board in the order in which they came, several in flight (forward.py). The board keeps a long reply only
  until the next request, so what may have one and changes something goes alone.
- When the board has lost the hub's session, the sessions of those whose requests are in doubt end, with the number up to which
  theirs may have been executed: their client says OutcomeUnknown, or asks again. When the board restarted all sessions end so.
- A boot id that a program is told is the board's, a dot, and the number of its connection to the hub. So a hub that was killed
  looks to it as a board that restarted: what was in flight is in doubt, and subscriptions are made again.
- What one subscription of the board tells goes to all programs that have asked for the same (feeds.py). Each has a queue of its own
  with a bound; what does not fit is dropped for that program alone, and a record's number tells how many.
- Nothing that a program does or leaves undone is waited for: it is written to without waiting, and read when it has sent.
- The hub has the port while a session is open; all end when all programs have been silent for the board's `idle` seconds. The
  answer to the last BYE comes when the port is closed.
- What ends all sessions at once, the port's end or the firmware's, is told as the last words of each connection: the error that
  the program would have seen alone.

meeting.py is where programs and hubs find each other, programs.py a program's end, forward.py the board's, feeds.py what is
subscribed to, journal.py who changed what, hub.py the process around them.
"""
