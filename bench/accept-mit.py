"""Accepts tokens with MIT Kerberos and prints the CPU time of each batch in microseconds per token, as JSON.

Reads {"file": path, "batch": count} on standard input; keytab and replay cache come by the environment. Python's own
part is in the figure: creating the context object, calling step(), naming the client.
"""

import base64
import json
import resource
import sys

import gssapi

request = json.load(sys.stdin)
with open(request["file"]) as lines:
    tokens = [base64.b64decode(line) for line in lines]
credentials = gssapi.Credentials(usage="accept")


def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


costs = []
for start in range(0, len(tokens), request["batch"]):
    batch = tokens[start : start + request["batch"]]
    before = cpu()
    for token in batch:
        context = gssapi.SecurityContext(usage="accept", creds=credentials)
        context.step(token)
        assert str(context.initiator_name).endswith("@CORP.EXAMPLE")
    costs.append((cpu() - before) * 1e6 / len(batch))
print(json.dumps(costs))
