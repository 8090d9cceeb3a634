import { z } from 'zod';
import { file, type SchemaContext } from '../context.ts';
import { entryId } from '../sign-in-entries.ts';
import { domain, duration, realm, refuse, service } from '../values/leaf.ts';
import { credentialEntries } from './sign-in-credentials.ts';
import { groupsFrom } from './groups-from.ts';
import { oidc } from './sign-in-oidc.ts';
import { password } from './sign-in-password.ts';

const negotiate = (context: SchemaContext) =>
  z
    .strictObject({
      keytab: file(context, '/etc/cardea/http.keytab').describe(
        "Keytab file with the service's keys, as `ktpass` or `samba-tool` exports it.",
      ),
      services: z
        .array(service())
        .optional()
        .describe('Service principals that tickets may be for. Default: every `HTTP/…` in the keytab.'),
      realms: z
        .array(realm())
        .optional()
        .describe('Realms that people may come from. Default: every one that your domain trusts.'),
      domains: z
        .record(realm(), domain())
        .prefault({})
        .describe(
          "Short domain name of each other realm that people come from, such as a child domain: `CHILD.CORP.EXAMPLE: CHILD`. The service's own realm needs none. Without it their account is written with the whole realm.",
        ),
      pac: z
        .enum(['when_sent', 'required'])
        .prefault('when_sent')
        .describe(
          'Whether a ticket must carry a PAC that names the account, as every AD ticket does unless the client asks for none. Without a PAC people sign on without groups, as `CORP.EXAMPLE\\\\alice`.',
        ),
      clock_skew: duration('1s', '15m', '5m')
        .prefault('5m')
        .describe("How far a client's clock may differ. AD's own limit is 5m."),
      channel_bindings: z
        .enum(['when_sent', 'required'])
        .prefault('when_sent')
        .describe('Whether a token must be bound to its TLS connection. A binding that is sent is always checked.'),
      groups_from: groupsFrom('the ticket, whose groups the directory only names'),
      dangerously_allow_rc4: z
        .boolean()
        .prefault(false)
        .describe(
          'Accepts tickets with RC4 encryption. Better: switch AES on for the service account and export the keytab again.',
        ),
    })
    .describe('Silent Windows sign-in (Kerberos), on pages, API calls and WebSocket upgrades.');

/** One entry of `sign_in`: a new method is one line here. */
const entry = (context: SchemaContext) =>
  z
    .strictObject({
      negotiate: negotiate(context).optional(),
      password: password(context).optional(),
      oidc: oidc(context).optional(),
      ...credentialEntries(context),
    })
    .check((check) => {
      if (check.issues.length > 0) return; // a misspelled method has been reported
      const names = Object.entries(check.value).flatMap(([name, options]) => (options === undefined ? [] : [name]));
      if (names.length === 1) return;
      refuse(
        check,
        names.length === 0 ? 'no sign-in method is named' : `several sign-in methods in one entry: ${names.join(', ')}`,
        'Give each method an entry of its own: - negotiate: { keytab: … }',
      );
    });

export const signIn = (context: SchemaContext) =>
  z
    .array(entry(context))
    .prefault([])
    .check((check) => {
      const seen = new Set<string>();
      for (const [i, value] of check.value.entries()) {
        const id = entryId(value);
        if (id === undefined) continue;
        if (seen.has(id))
          refuse(check, `${id} is already in the list`, 'Keep one entry for each method, or give them names by id.', [
            i,
          ]);
        seen.add(id);
      }
    })
    .describe(
      'How people sign in. The methods are asked in this order; the first with a credential of its kind decides.',
    )
    .meta({
      'x-example':
        'sign_in:\n  - negotiate:\n      keytab: /etc/cardea/http.keytab\n      domains: { CHILD.CORP.EXAMPLE: CHILD }\n  - password: { users: users.yaml }\n',
    });
