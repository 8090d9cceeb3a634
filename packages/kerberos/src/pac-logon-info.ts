/**
 * LOGON_INFO: who the client is and which groups it is in (KERB_VALIDATION_INFO, MS-PAC 2.5).
 *
 * @module
 */
import { NdrReader } from './ndr.ts';
import { SidError, sidFromBytes, sidsInDomain } from './sid.ts';

/** What a sign-on needs of LOGON_INFO. All SIDs are text, `S-1-5-21-...`. */
export interface PacLogon {
  /** sAMAccountName. */
  readonly accountName: string;
  readonly fullName: string;
  /** NetBIOS name of the account's domain. */
  readonly domainName: string;
  readonly domainSid: string;
  readonly userSid: string;
  /**
   * The primary group, the account domain's groups, extra SIDs and resource groups, nested ones expanded
   * by the KDC, without duplicates. Those that are disabled or for denial only are left out.
   */
  readonly groupSids: readonly string[];
}

/** UserFlags (MS-PAC 2.5): which of the lists are to be believed. */
const userFlag = { extraSids: 0x20, resourceGroups: 0x200 } as const;

/** Attributes of a group (MS-PAC 2.2.1; USE_FOR_DENY_ONLY from the Windows SID attributes). */
const groupAttribute = { enabled: 0x04, denyOnly: 0x10 } as const;

interface GroupMembership {
  readonly rid: number;
  readonly attributes: number;
}

interface SidAndAttributes {
  readonly sid: string;
  readonly attributes: number;
}

/** Decodes the buffer. Throws `NdrError` or `SidError`. */
export function readLogonInfo(bytes: Uint8Array): PacLogon {
  return NdrReader.decode(bytes, (ndr) => logon(validationInfo(ndr)));
}

/** The members in the order of MS-PAC 2.5, then what their pointers point to, in the same order (C706, 14.3.12.3). */
function validationInfo(ndr: NdrReader) {
  ndr.skip(6 * 8); // LogonTime to PasswordMustChange
  const effectiveName = ndr.unicodeString();
  const fullName = ndr.unicodeString();
  const logonScript = ndr.unicodeString();
  const profilePath = ndr.unicodeString();
  const homeDirectory = ndr.unicodeString();
  const homeDirectoryDrive = ndr.unicodeString();
  ndr.skip(2 * 2); // LogonCount, BadPasswordCount
  const userId = ndr.u32();
  const primaryGroupId = ndr.u32();
  const groupCount = ndr.u32();
  const groupIds = ndr.pointer();
  const userFlags = ndr.u32();
  ndr.skip(16); // UserSessionKey
  const logonServer = ndr.unicodeString();
  const logonDomainName = ndr.unicodeString();
  const logonDomainId = ndr.pointer();
  ndr.skip(2 * 4 + 4 + 4 + 8 + 8 + 4 + 4); // Reserved1, UserAccountControl to Reserved3
  const sidCount = ndr.u32();
  const extraSids = ndr.pointer();
  const resourceGroupDomainSid = ndr.pointer();
  const resourceGroupCount = ndr.u32();
  const resourceGroupIds = ndr.pointer();

  const accountName = ndr.characters(effectiveName);
  // Directories cut long texts between the halves of a character: that must not cost anybody his groups.
  const fullNameText = ndr.displayCharacters(fullName);
  for (const unused of [logonScript, profilePath, homeDirectory, homeDirectoryDrive]) ndr.displayCharacters(unused);
  const groups = readGroups(ndr, groupIds, groupCount);
  ndr.characters(logonServer);
  const domainName = ndr.characters(logonDomainName);
  const domainSid = readSid(ndr, logonDomainId);
  const extra = readSidsAndAttributes(ndr, extraSids, sidCount);
  const resourceDomainSid = readSid(ndr, resourceGroupDomainSid);
  const resourceGroups = readGroups(ndr, resourceGroupIds, resourceGroupCount);

  return {
    accountName,
    fullName: fullNameText,
    domainName,
    domainSid,
    userId,
    primaryGroupId,
    groups,
    extra: (userFlags & userFlag.extraSids) === 0 ? [] : extra,
    resourceDomainSid,
    resourceGroups: (userFlags & userFlag.resourceGroups) === 0 ? [] : resourceGroups,
  };
}

function logon(info: ReturnType<typeof validationInfo>): PacLogon {
  const { accountName, fullName, domainName, domainSid, userId, primaryGroupId, groups } = info;
  if (domainSid === undefined) throw new SidError('LogonDomainId is null', 0);
  const inDomain = sidsInDomain(domainSid);
  // MS-PAC 2.5, UserId: 0 says that the account's SID is the first of the extra ones.
  const userSid = userId === 0 ? info.extra[0]?.sid : inDomain(userId);
  const extra = userId === 0 ? info.extra.slice(1) : info.extra;
  if (userSid === undefined) throw new SidError('the account has none', 0);

  const sids = new Set<string>();
  // The primary group is normally among the groups as well, and its attributes count.
  if (primaryGroupId !== 0 && !groups.some(({ rid }) => rid === primaryGroupId)) sids.add(inDomain(primaryGroupId));
  for (const { rid, attributes } of groups) if (counts(attributes)) sids.add(inDomain(rid));
  for (const { sid, attributes } of extra) if (counts(attributes)) sids.add(sid);
  if (info.resourceGroups.length > 0) {
    if (info.resourceDomainSid === undefined) throw new SidError('ResourceGroupDomainSid is null', 0);
    const inResourceDomain = sidsInDomain(info.resourceDomainSid);
    for (const { rid, attributes } of info.resourceGroups) if (counts(attributes)) sids.add(inResourceDomain(rid));
  }
  return { accountName, fullName, domainName, domainSid, userSid, groupSids: [...sids] };
}

const counts = (attributes: number): boolean =>
  (attributes & groupAttribute.enabled) !== 0 && (attributes & groupAttribute.denyOnly) === 0;

/** An array of GROUP_MEMBERSHIP (MS-PAC 2.2.2). */
function readGroups(ndr: NdrReader, referent: number, count: number): readonly GroupMembership[] {
  if (isNull(ndr, referent, count)) return [];
  ndr.arraySize(count, 8);
  const groups: GroupMembership[] = [];
  for (let i = 0; i < count; i++) groups.push({ rid: ndr.u32(), attributes: ndr.u32() });
  return groups;
}

/** An array of KERB_SID_AND_ATTRIBUTES (MS-PAC 2.2.1): all pointers first, then all SIDs. */
function readSidsAndAttributes(ndr: NdrReader, referent: number, count: number): readonly SidAndAttributes[] {
  if (isNull(ndr, referent, count)) return [];
  ndr.arraySize(count, 8);
  const elements = Array.from({ length: count }, () => ({ referent: ndr.pointer(), attributes: ndr.u32() }));
  return elements.map(({ referent, attributes }) => {
    const sid = readSid(ndr, referent);
    if (sid === undefined) throw ndr.error('extra SID is null');
    return { sid, attributes };
  });
}

/** RPC_SID (MS-DTYP 2.4.2.3): the number of sub-authorities, then a SID of that many. */
function readSid(ndr: NdrReader, referent: number): string | undefined {
  if (referent === 0) return undefined;
  const count = ndr.u32();
  if (count > 15) throw ndr.error('SID has more than 15 sub-authorities');
  return sidFromBytes(ndr.bytes(8 + 4 * count));
}

function isNull(ndr: NdrReader, referent: number, count: number): boolean {
  if (referent === 0 && count !== 0) throw ndr.error('array is null but not empty');
  return referent === 0;
}
