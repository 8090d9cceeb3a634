"""Fills the lab's domain: users, groups, service accounts and keytabs.

Reads the wanted contents as JSON on standard input (see domain.ts), works straight on sam.ldb with the
domain controller stopped, and writes the SIDs of all accounts as JSON to standard output.
"""

import json
import os
import shutil
import sys

import ldb
import samba.dckeytab  # noqa: F401  gives Net.export_keytab
from samba import dsdb
from samba.auth import system_session
from samba.dcerpc import security
from samba.ndr import ndr_unpack
from samba.net import Net
from samba.param import LoadParm
from samba.samdb import SamDB

wanted = json.load(sys.stdin)
loadparm = LoadParm()
loadparm.load(wanted["smbConf"])
db = SamDB(url=wanted["database"], session_info=system_session(), lp=loadparm)

SCOPES = {
    "global": dsdb.GTYPE_SECURITY_GLOBAL_GROUP,
    "domain-local": dsdb.GTYPE_SECURITY_DOMAIN_LOCAL_GROUP,
    "universal": dsdb.GTYPE_SECURITY_UNIVERSAL_GROUP,
}


def by_account(name):
    return "(sAMAccountName=%s)" % ldb.binary_encode(name)


def dn_of(name):
    found = db.search(base=wanted["baseDn"], scope=ldb.SCOPE_SUBTREE, expression=by_account(name), attrs=[])
    return found[0].dn


def modify(dn, flag, attribute, values):
    message = ldb.Message(dn)
    message[attribute] = ldb.MessageElement(values, flag, attribute)
    db.modify(message)


def add_user(user):
    name = user["name"]
    db.newuser(
        name,
        user["password"],
        useusernameascn=None,
        givenname=user.get("givenName"),
        surname=user.get("surname"),
        mailaddress="%s@%s" % (name, wanted["dnsDomain"]) if name.isascii() else None,
        force_password_change_at_next_login_req=user.get("blocked") == "must-change-password",
    )
    if user.get("blocked") == "disabled":
        db.disable_account(by_account(name))
    if user.get("blocked") == "expired":
        # 2001-01-01 in 100 ns units since 1601.
        modify(dn_of(name), ldb.FLAG_MOD_REPLACE, "accountExpires", ["126227808000000000"])


def add_group(group):
    db.newgroup(group["name"], grouptype=SCOPES[group["scope"]])
    members = [str(dn_of(member)) for member in group["members"]]
    if members:
        modify(dn_of(group["name"]), ldb.FLAG_MOD_ADD, "member", members)


def add_service(service):
    account = service["account"]
    db.newuser(account, wanted["servicePassword"])
    db.setexpiry(by_account(account), 0, no_expiry_req=True)
    dn = dn_of(account)
    modify(dn, ldb.FLAG_MOD_REPLACE, "msDS-SupportedEncryptionTypes", [str(service["encryptionTypes"])])
    if service["hosts"]:
        names = ["HTTP/" + host for host in service["hosts"]]
        modify(dn, ldb.FLAG_MOD_REPLACE, "servicePrincipalName", names)
    # Keys follow msDS-SupportedEncryptionTypes only when the password is set after it.
    db.setpassword(by_account(account), wanted["servicePassword"])


def export(service):
    if service.get("exported") is False or not service["hosts"]:
        return
    own = os.path.join(wanted["keytabs"], service["account"].removeprefix("svc-") + ".keytab")
    for host in service["hosts"]:
        for keytab in (own, os.path.join(wanted["keytabs"], "http.keytab")):
            Net(None, loadparm).export_keytab(keytab=keytab, principal="HTTP/" + host)


shutil.rmtree(wanted["keytabs"], ignore_errors=True)
os.mkdir(wanted["keytabs"], 0o700)

db.transaction_start()
# A lab that is kept for weeks must not begin to ask for new passwords.
modify(ldb.Dn(db, wanted["baseDn"]), ldb.FLAG_MOD_REPLACE, "maxPwdAge", ["-9223372036854775808"])
for user in wanted["users"]:
    add_user(user)
for group in wanted["groups"]:
    add_group(group)
for service in wanted["services"]:
    add_service(service)
# spn_update is switched off and ldap/ is not implied by host/: GSSAPI binds need these names.
controller = ["ldap/dc1." + wanted["dnsDomain"], "ldap/dc1.%s/%s" % (wanted["dnsDomain"], wanted["dnsDomain"]), "ldap/DC1"]
modify(dn_of("DC1$"), ldb.FLAG_MOD_ADD, "servicePrincipalName", controller)
db.transaction_commit()

for service in wanted["services"]:
    export(service)
    if "afterExport" in service:
        db.setpassword(by_account(service["account"]), wanted["servicePassword"] + "-next")
    if service.get("afterExport") == "rolled":
        export(service)

accounts = db.search(base=wanted["baseDn"], expression="(sAMAccountName=*)", attrs=["sAMAccountName", "objectSid"])
json.dump(
    {str(entry["sAMAccountName"]): str(ndr_unpack(security.dom_sid, entry["objectSid"][0])) for entry in accounts},
    sys.stdout,
)
