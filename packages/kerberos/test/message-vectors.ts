/**
 * Encoded messages from MIT Kerberos (`src/tests/asn.1/reference_encode.out` in krb5/krb5), under the names that they
 * have there. Test data only.
 *
 * @module
 */

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));

const realm = '1B 0E 41 54 48 45 4E 41 2E 4D 49 54 2E 45 44 55';
const name = '30 18 A0 03 02 01 01 A1 11 30 0F 1B 06 68 66 74 73 61 69 1B 05 65 78 74 72 61';
const time = '18 0F 31 39 39 34 30 36 31 30 30 36 30 33 31 37 5A';
const usec = '02 03 01 E2 40';
const key = '30 11 A0 03 02 01 01 A1 0A 04 08 31 32 33 34 35 36 37 38';
const sealed =
  '30 23 A0 03 02 01 00 A1 03 02 01 05 A2 17 04 15 6B 72 62 41 53 4E 2E 31 20 74 65 73 74 20 6D 65 73 73 61 67 65';
const authData =
  '30 22 30 0F A0 03 02 01 01 A1 08 04 06 66 6F 6F 62 61 72 30 0F A0 03 02 01 01 A1 08 04 06 66 6F 6F 62 61 72';
const transited =
  '30 2C A0 03 02 01 01 A1 25 04 23 45 44 55 2C 4D 49 54 2E 2C 41 54 48 45 4E 41 2E 2C 57 41 53 48 49 4E 47 54 4F 4E ' +
  '2E 45 44 55 2C 43 53 2E';
const addresses = '30 1E 30 0D A0 03 02 01 02 A1 06 04 04 12 D0 00 23 30 0D A0 03 02 01 02 A1 06 04 04 12 D0 00 23';
const ticket = `61 5C 30 5A A0 03 02 01 05 A1 10 ${realm} A2 1A ${name} A3 25 ${sealed}`;

/** By the name in MIT’s file. */
export const vectors = {
  encode_krb5_authenticator: hex(
    `62 81 A1 30 81 9E A0 03 02 01 05 A1 10 ${realm} A2 1A ${name} A3 0F 30 0D A0 03 02 01 01 A1 06 04 04 31 32 33 34 ` +
      `A4 05 ${usec} A5 11 ${time} A6 13 ${key} A7 03 02 01 11 A8 24 ${authData}`,
  ),
  'encode_krb5_authenticator(optionals NULL)': hex(
    `62 4F 30 4D A0 03 02 01 05 A1 10 ${realm} A2 1A ${name} A4 05 ${usec} A5 11 ${time}`,
  ),
  encode_krb5_enc_tkt_part: hex(
    `63 82 01 14 30 82 01 10 A0 07 03 05 00 FE DC BA 98 A1 13 ${key} A2 10 ${realm} A3 1A ${name} A4 2E ${transited} ` +
      `A5 11 ${time} A6 11 ${time} A7 11 ${time} A8 11 ${time} A9 20 ${addresses} AA 24 ${authData}`,
  ),
  'encode_krb5_enc_tkt_part(optionals NULL)': hex(
    `63 81 A5 30 81 A2 A0 07 03 05 00 FE DC BA 98 A1 13 ${key} A2 10 ${realm} A3 1A ${name} A4 2E ${transited} ` +
      `A5 11 ${time} A7 11 ${time}`,
  ),
  encode_krb5_ap_req: hex(
    `6E 81 9D 30 81 9A A0 03 02 01 05 A1 03 02 01 0E A2 07 03 05 00 FE DC BA 98 A3 5E ${ticket} A4 25 ${sealed}`,
  ),
  encode_krb5_ap_rep: hex(`6F 33 30 31 A0 03 02 01 05 A1 03 02 01 0F A2 25 ${sealed}`),
  encode_krb5_ap_rep_enc_part: hex(`7B 36 30 34 A0 11 ${time} A1 05 ${usec} A2 13 ${key} A3 03 02 01 11`),
  'encode_krb5_ap_rep_enc_part(optionals NULL)': hex(`7B 1C 30 1A A0 11 ${time} A1 05 ${usec}`),
  encode_krb5_error: hex(
    `7E 81 BA 30 81 B7 A0 03 02 01 05 A1 03 02 01 1E A2 11 ${time} A3 05 ${usec} A4 11 ${time} A5 05 ${usec} A6 03 02 01 3C ` +
      `A7 10 ${realm} A8 1A ${name} A9 10 ${realm} AA 1A ${name} AB 0A 1B 08 6B 72 62 35 64 61 74 61 ` +
      'AC 0A 04 08 6B 72 62 35 64 61 74 61',
  ),
  'encode_krb5_error(optionals NULL)': hex(
    `7E 60 30 5E A0 03 02 01 05 A1 03 02 01 1E A3 05 ${usec} A4 11 ${time} A5 05 ${usec} A6 03 02 01 3C A9 10 ${realm} ` +
      `AA 1A ${name}`,
  ),
  encode_krb5_authorization_data: hex(authData),
} as const;

/** A name in MIT’s file. */
export type VectorName = keyof typeof vectors;
