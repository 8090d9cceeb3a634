"""Accepts one token with MIT Kerberos and prints what Samba's own decoder finds in its PAC, as JSON.

Reads {"keytab": path, "token": base64} on standard input. It is the reference for our decoder.
"""

import base64
import json
import os
import sys

request = json.load(sys.stdin)
os.environ["KRB5_KTNAME"] = "FILE:" + request["keytab"]
os.environ["KRB5RCACHENAME"] = "none:"

import gssapi  # noqa: E402  reads the environment when it is loaded
import gssapi.raw  # noqa: E402
from samba.dcerpc import krb5pac  # noqa: E402
from samba.ndr import ndr_unpack  # noqa: E402

context = gssapi.SecurityContext(usage="accept", creds=gssapi.Credentials(usage="accept"))
context.step(base64.b64decode(request["token"]))
raw = gssapi.raw.get_name_attribute(context.initiator_name, b"urn:mspac:").values[0]
buffers = {buffer.type: buffer.info for buffer in ndr_unpack(krb5pac.PAC_DATA, raw).buffers}

logon = buffers[krb5pac.PAC_TYPE_LOGON_INFO].info
base = logon.info3.base
domain = str(base.domain_sid)
resource = logon.resource_groups if hasattr(logon, "resource_groups") else logon.res_groups
names = buffers[krb5pac.PAC_TYPE_UPN_DNS_INFO]

groups = ["%s-%d" % (domain, base.primary_gid)]
groups += ["%s-%d" % (domain, group.rid) for group in base.groups.rids or []]
groups += [str(extra.sid) for extra in logon.info3.sids or []]
if resource.groups.count:
    groups += ["%s-%d" % (resource.domain_sid, group.rid) for group in resource.groups.rids]

json.dump(
    {
        "accountName": base.account_name.string,
        "fullName": base.full_name.string,
        "domainName": base.logon_domain.string,
        "domainSid": domain,
        "userSid": "%s-%d" % (domain, base.rid),
        "groupSids": sorted(set(groups)),
        "upn": str(names.upn_name),
        "dnsDomain": str(names.dns_domain_name),
        "samName": str(names.ex.samaccountname),
        "sid": str(names.ex.objectsid),
    },
    sys.stdout,
)
