"""Loaded by every Python that MiniStack's environment starts.

Six things that MiniStack has no option for:

- its runtime API answers each event in two small packets, which Nagle's
  algorithm holds back for 40 ms: a warm call takes 53 ms instead of 11;
- its SNS stamps messages with whole seconds, AWS's with milliseconds: two that
  follow each other would come from the same instant, in which STOP beats START;
- where roles are enforced, its buckets and queues demand a TLS that nobody on
  the loopback speaks, and it asks for rights to a key's alias, where AWS asks
  for those to the key: so there the loopback counts as secure, and an alias as
  its key;
- its streams take an answer that names failed records for success: here the
  whole batch is delivered again, where AWS delivers the failed records and
  those behind them;
- a stack that tests start must end with them, also where they are killed. So,
  where asked, it ends when its standard input does.
"""

import calendar
import json
import os
import socketserver
import time

socketserver.StreamRequestHandler.disable_nagle_algorithm = True

whole_seconds = time.strftime


def with_milliseconds(form, *when):
    text = whole_seconds(form, *when)
    if not when or not form.endswith(".000Z"):
        return text
    since = time.time() - calendar.timegm(when[0])
    if not 0 <= since < 2:  # it is not about now
        return text
    return text.removesuffix(".000Z") + ".%03dZ" % min(since * 1000, 999)


time.strftime = with_milliseconds

if os.environ.get("AUTH") == "true":
    import contextvars

    from ministack.core import iam_actions, iam_evaluator

    iam_evaluator._request_origin = contextvars.ContextVar("origin", default=("127.0.0.1", True))
    iam_evaluator.pin_request_origin = lambda source, secure: None
    resource_named, action_named = iam_actions.extract_resource_arn, iam_actions.extract_iam_action

    def resource_meant(service, *request):
        arn = resource_named(service, *request)
        if service == "kms":
            from ministack.services import kms

            return (kms._resolve_key(arn) or {}).get("Arn", arn)
        return arn

    iam_actions.extract_resource_arn = resource_meant
    iam_actions.extract_iam_action = lambda service, *request: (
        "sqs:SendMessage" if (action := action_named(service, *request)) == "sqs:SendMessageBatch" else action
    )

try:
    from ministack.services import lambda_svc
except ImportError:
    pass  # a Python without MiniStack
else:
    execute = lambda_svc._execute_function

    def retry_partly_failed(function, event, *rest, **named):
        result = execute(function, event, *rest, **named)
        records = event.get("Records") if isinstance(event, dict) else None
        body = result.get("body")
        if isinstance(body, (str, bytes)):
            try:
                body = json.loads(body)
            except ValueError:
                body = None
        failed = body.get("batchItemFailures") if isinstance(body, dict) else None
        if failed and records and records[0].get("eventSource") == "aws:dynamodb":
            result = {**result, "error": True}
        return result

    lambda_svc._execute_function = retry_partly_failed

# Popped, because the processes that MiniStack starts inherit its environment.
if os.environ.pop("STILLE_END_WITH_STDIN", ""):
    import signal
    import sys
    import threading

    def end_with_stdin():
        sys.stdin.buffer.read()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=end_with_stdin, daemon=True).start()
