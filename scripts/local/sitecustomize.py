"""Loaded by every Python that MiniStack's environment starts.

Two things that MiniStack has no option for:

- its runtime API answers each event in two small packets, which Nagle's
  algorithm holds back for 40 ms: a warm call takes 53 ms instead of 11;
- a stack that tests start must end with them, also where they are killed. So,
  where asked, it ends when its standard input does.
"""

import os
import socketserver

socketserver.StreamRequestHandler.disable_nagle_algorithm = True

# Popped, because the processes that MiniStack starts inherit its environment.
if os.environ.pop("STILLE_END_WITH_STDIN", ""):
    import signal
    import sys
    import threading

    def end_with_stdin():
        sys.stdin.buffer.read()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=end_with_stdin, daemon=True).start()
