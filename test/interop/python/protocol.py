"""A server on standard input and output: one JSON call a line, one JSON answer a line."""

import json
import os
import sys
import traceback


def serve(functions):
    # Whatever libraries print goes to standard error: answers have the real standard output for themselves.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    print(json.dumps({"ready": sorted(functions)}), file=answers, flush=True)
    for line in sys.stdin:
        call = json.loads(line)
        try:
            answer = {"result": functions[call["function"]](**call["arguments"])}
        except Exception:
            answer = {"error": traceback.format_exc()[:4000]}
        print(json.dumps(answer), file=answers, flush=True)
