"""Makes initial GSSAPI tokens with MIT Kerberos, as curl and browsers on Linux do.

The first line of standard input is a JSON request. Tokens come out one per line, base64. With "finish", a second
line of input is the acceptor's reply in base64 (or empty), and the last line of output says what MIT makes of it:
"established", "continue", or "failed: " and MIT's reason.
"""

import base64
import json
import sys

import gssapi
from gssapi.raw import ChannelBindings

request = json.loads(sys.stdin.readline())
MECHANISMS = {"spnego": "1.3.6.1.5.5.2", "krb5": "1.2.840.113554.1.2.2"}
FLAGS = {
    "mutual": gssapi.RequirementFlag.mutual_authentication,
    "delegate": gssapi.RequirementFlag.delegate_to_peer,
    "dce-style": gssapi.RequirementFlag.dce_style,
}

flags = 0
for flag in request["flags"]:
    flags |= FLAGS[flag]
bindings = None
if request.get("channelBindings") is not None:
    bindings = ChannelBindings(application_data=base64.b64decode(request["channelBindings"]))

name = gssapi.Name("HTTP@" + request["host"], gssapi.NameType.hostbased_service)
mechanism = gssapi.OID.from_int_seq(MECHANISMS[request["mechanism"]])


def initiate():
    context = gssapi.SecurityContext(
        name=name, mech=mechanism, flags=flags, usage="initiate", channel_bindings=bindings
    )
    print(base64.b64encode(context.step()).decode(), flush=True)
    return context


for _ in range(request["count"]):
    context = initiate()

if request.get("finish"):
    try:
        context.step(base64.b64decode(sys.stdin.readline()))
        print("established" if context.complete else "continue")
    except gssapi.exceptions.GSSError as error:
        print("failed: " + str(error).replace("\n", " "))
