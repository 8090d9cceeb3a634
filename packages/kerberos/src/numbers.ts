/**
 * The assigned numbers that several files use, each under the name that its RFC gives it.
 *
 * @module
 */

/** Encryption types (RFC 3961, 8). What each one does is in `etypes.ts`; nobody else compares with these. */
export const Etype = {
  aes128CtsHmacSha196: 17,
  aes256CtsHmacSha196: 18,
  aes128CtsHmacSha256128: 19,
  aes256CtsHmacSha384192: 20,
  rc4Hmac: 23,
} as const;

/** Checksum types (RFC 3961, 8; RFC 8009, 8; RFC 4757, 4; RFC 4121, 4.1.1). */
export const ChecksumType = {
  hmacSha196Aes128: 15,
  hmacSha196Aes256: 16,
  hmacSha256128Aes128: 19,
  hmacSha384192Aes256: 20,
  hmacMd5: -138,
  gss: 0x8003,
} as const;

/** Key usage numbers (RFC 4120, 7.5.1; RFC 4121, 2; MS-PAC, 2.8 for the PAC signatures). */
export const KeyUsage = {
  asReqTimestamp: 1,
  ticket: 2,
  asRepEncPart: 3,
  tgsReqAuthDataSessionKey: 4,
  tgsReqAuthDataSubKey: 5,
  tgsReqAuthenticatorChecksum: 6,
  tgsReqAuthenticator: 7,
  tgsRepEncPartSessionKey: 8,
  tgsRepEncPartSubKey: 9,
  apReqAuthenticatorChecksum: 10,
  apReqAuthenticator: 11,
  apRepEncPart: 12,
  krbPriv: 13,
  krbCred: 14,
  krbSafe: 15,
  pacSignature: 17,
  adKdcIssued: 19,
  gssAcceptorSeal: 22,
  gssAcceptorSign: 23,
  gssInitiatorSeal: 24,
  gssInitiatorSign: 25,
} as const;

/** Error codes of KRB-ERROR that an application server sends (RFC 4120, 7.5.9). */
export const KrbError = {
  KDC_ERR_ETYPE_NOSUPP: 14,
  KRB_AP_ERR_BAD_INTEGRITY: 31,
  KRB_AP_ERR_TKT_EXPIRED: 32,
  KRB_AP_ERR_TKT_NYV: 33,
  KRB_AP_ERR_REPEAT: 34,
  KRB_AP_ERR_NOT_US: 35,
  KRB_AP_ERR_BADMATCH: 36,
  KRB_AP_ERR_SKEW: 37,
  KRB_AP_ERR_BADADDR: 38,
  KRB_AP_ERR_BADVERSION: 39,
  KRB_AP_ERR_MSG_TYPE: 40,
  KRB_AP_ERR_MODIFIED: 41,
  KRB_AP_ERR_BADORDER: 42,
  KRB_AP_ERR_BADKEYVER: 44,
  KRB_AP_ERR_NOKEY: 45,
  KRB_AP_ERR_MUT_FAIL: 46,
  KRB_AP_ERR_BADDIRECTION: 47,
  KRB_AP_ERR_METHOD: 48,
  KRB_AP_ERR_BADSEQ: 49,
  KRB_AP_ERR_INAPP_CKSUM: 50,
  KRB_AP_PATH_NOT_ACCEPTED: 51,
  KRB_ERR_GENERIC: 60,
  KRB_ERR_FIELD_TOOLONG: 61,
  KRB_AP_ERR_USER_TO_USER_REQUIRED: 69,
} as const;

/** Name types (RFC 4120, 6.2; RFC 6111 for WELLKNOWN; MS-KILE for the negative ones). */
export const NameType = {
  unknown: 0,
  principal: 1,
  srvInst: 2,
  srvHst: 3,
  srvXhst: 4,
  uid: 5,
  x500Principal: 6,
  smtpName: 7,
  enterprise: 10,
  wellKnown: 11,
  msPrincipal: -128,
  msPrincipalAndId: -129,
  entPrincipalAndId: -130,
} as const;

/** `[APPLICATION n]` numbers (RFC 4120, 5.10). For the messages among them, msg-type is the same number. */
export const ApplicationTag = {
  ticket: 1,
  authenticator: 2,
  encTicketPart: 3,
  apReq: 14,
  apRep: 15,
  krbCred: 22,
  encApRepPart: 27,
  krbError: 30,
} as const;

/** Authorization data types (RFC 4120, 7.5.4; RFC 4537; RFC 7751; RFC 8129; MS-KILE, 2.2). */
export const AuthDataType = {
  ifRelevant: 1,
  kdcIssued: 4,
  andOr: 5,
  mandatoryForKdc: 8,
  cammac: 96,
  authenticationIndicator: 97,
  win2kPac: 128,
  etypeNegotiation: 129,
  tokenRestrictions: 141,
  local: 142,
  apOptions: 143,
  targetPrincipal: 144,
} as const;

/** Bits of TicketFlags, counted from the most significant one (RFC 4120, 5.3). */
export const TicketFlag = {
  forwardable: 1,
  forwarded: 2,
  proxiable: 3,
  proxy: 4,
  mayPostdate: 5,
  postdated: 6,
  invalid: 7,
  renewable: 8,
  initial: 9,
  preAuthent: 10,
  hwAuthent: 11,
  transitedPolicyChecked: 12,
  okAsDelegate: 13,
  /** RFC 8062, 3. */
  anonymous: 16,
} as const;

/** Bits of APOptions, counted from the most significant one (RFC 4120, 5.5.1). */
export const ApOption = { useSessionKey: 1, mutualRequired: 2 } as const;

/** Mechanism object identifiers, dotted (RFC 4121, RFC 4178, MS-SPNG, MS-NLMP, draft-zhu-negoex). */
export const MechOid = {
  krb5: '1.2.840.113554.1.2.2',
  msKrb5: '1.2.840.48018.1.2.2',
  krb5UserToUser: '1.2.840.113554.1.2.2.3',
  spnego: '1.3.6.1.5.5.2',
  ntlmssp: '1.3.6.1.4.1.311.2.2.10',
  negoex: '1.3.6.1.4.1.311.2.2.30',
} as const;
