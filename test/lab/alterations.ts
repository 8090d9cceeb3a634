/**
 * What is known about altering one good token: why some alterations are accepted, or judged differently from Apache.
 *
 * @module
 */

/** By part of the token, as `mapToken` names them. A part that is missing here is refused by both, whatever is altered. */
export const alterationReasons: Readonly<Record<string, string>> = {
  'SPNEGO: tags and lengths':
    'MIT passes over lengths that contradict each other and over tags that are out of place; Cardea reads strict DER',
  'SPNEGO: mechanism in the list':
    'one bit turns the Kerberos identifier into MS-KRB5 (1.2.840.48018.1.2.2), the same mechanism under the name that Windows lists first',
  'Kerberos frame: identifier':
    '**laxer**: the same bit, MS-KRB5 in the frame of the Kerberos token. MIT has no credentials under that name; the token inside is checked alike',
  'Kerberos frame: token id': 'MIT answers with an error token and waits for another; Cardea ends it',
  'AP-REQ: message type': 'MIT does not look at it',
  'AP-REQ: options':
    'not protected by Kerberos: unknown bits are ignored, and mutual authentication can only be asked for or not. Cardea refuses user-to-user and fewer than 32 flags',
  'ticket: realm': 'MIT tries every key of the keytab; Cardea goes by the name in the ticket',
  'ticket: type of service name': 'a hint without meaning (RFC 4120, 6.2): ignored by both',
  'ticket: service name':
    'MIT tries every key of the keytab; Cardea goes by the name, in which it passes over upper and lower case as AD does',
  'ticket: key version':
    'MIT tries every key of the keytab; Cardea takes the version that the ticket names, and says which one is missing',
};

/** Where Cardea may accept what Apache refuses: exactly these contents of exactly these parts. */
export const laxerContents: Readonly<Record<string, string>> = {
  // The object identifier of MS-KRB5.
  'Kerberos frame: identifier': '2a864882f712010202',
};
