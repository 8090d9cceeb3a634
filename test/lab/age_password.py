"""Lets the password of an account be from 2012, straight in the controller's database: over LDAP nobody may say so.

Arguments: the directory of the database's parts, and the account's distinguished name.
"""

import glob
import os
import sys

import ldb
from samba import Ldb

folder, dn = sys.argv[1:]
database = Ldb(glob.glob(os.path.join(folder, "DC=*.ldb"))[0])
message = ldb.Message(ldb.Dn(database, dn))
message["pwdLastSet"] = ldb.MessageElement(["130000000000000000"], ldb.FLAG_MOD_REPLACE, "pwdLastSet")
database.modify(message)
