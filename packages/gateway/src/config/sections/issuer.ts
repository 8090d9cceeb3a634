import { z } from 'zod';
import { signingAlgorithms } from '../../tokens/signing-key.ts';
import { file, type SchemaContext } from '../context.ts';
import { line } from '../values/account.ts';
import { groupPattern, moment, scopeWord } from '../values/issuer.ts';
import { duration, group, origin, refuse } from '../values/leaf.ts';
import { word } from '../values/name.ts';

const client = () =>
  z.strictObject({
    id: line('desktop').describe('What programs call it as `client_id`, and what tokens have in that claim.'),
    audience: z
      .union([line('llm').transform((one) => [one]), z.array(line('llm')).min(1)])
      .describe('The `aud` claim: who the tokens are for. Of a list, a program chooses one; else it gets the first.'),
    groups: z
      .array(groupPattern())
      .describe(
        'Which of the groups of a person go into the token: names, with `*` for any characters, without regard to case. Name those that matter where the token goes: a person may be in hundreds. `[]` is none.',
      ),
    allow: z
      .strictObject({
        groups: z.array(group()).min(1).optional().describe('Members of any of these, by name or SID.'),
        roles: z.array(word('trader')).min(1).optional().describe('Whoever has any of these roles.'),
      })
      .optional()
      .describe('Who gets tokens. Default: everybody who can sign in.'),
    lifetime: duration('1m', '4h', '30m')
      .prefault('30m')
      .describe('How long a token is good. It never outlives the sign-in that it was made of.'),
    roles: z.boolean().prefault(false).describe('Whether the token has the roles of the person as well.'),
    scopes: z
      .array(scopeWord())
      .prefault([])
      .describe('What the `scope` claim may hold. A program gets all of them, or those that it asks for.'),
    sign_in: z
      .array(word('negotiate'))
      .min(1)
      .optional()
      .describe('Only for people who have signed in by one of these: names of `sign_in` entries.'),
    pages: z
      .boolean()
      .prefault(false)
      .describe(
        "Whether web pages may have tokens: those of the gateway's own hosts, with the session's token as `X-CSRF-Token`. Whoever can put a script into such a page can then have tokens of whoever looks at it.",
      ),
  });

const keyFile = (context: SchemaContext) =>
  z.strictObject({
    file: file(context, 'keys/issuer-1.pem').describe(
      'PEM file: a private key (RSA of 2048 bits or more, P-256, Ed25519), not encrypted; or a public one, which is published only.',
    ),
    from: moment()
      .optional()
      .describe('When it begins to sign. Default: at once. Of several, the one that began last signs.'),
  });

const keys = (context: SchemaContext) =>
  z
    .strictObject({
      algorithm: z
        .enum(signingAlgorithms)
        .prefault('RS256')
        .describe('What keys are made for. Every verifier knows RS256.'),
      bits: z
        .union([z.literal(2048), z.literal(3072), z.literal(4096)])
        .prefault(2048)
        .describe('Of RSA keys.'),
      rotate: duration('1h', '365d', '30d').prefault('30d').describe('How long a key signs before the next one does.'),
      publish_ahead: duration('10m', '7d', '1h')
        .prefault('1h')
        .describe(
          'How long a new key stands in the key set before it signs. Verifiers may keep that set for five minutes.',
        ),
      files: z
        .array(keyFile(context))
        .min(1)
        .optional()
        .describe(
          'Keys of your own, instead of those that Cardea makes and turns: for replicas without a common store.',
        ),
    })
    .prefault({})
    .check((check) => {
      if (check.issues.length > 0) return;
      const { rotate, publish_ahead: ahead } = check.value;
      if (ahead >= rotate)
        refuse(
          check,
          'a key would have to be published before the one that precedes it',
          'Make publish_ahead shorter than rotate.',
          ['publish_ahead'],
        );
    })
    .describe('The keys that tokens are signed with.');

const issuer = (context: SchemaContext) =>
  z
    .strictObject({
      url: origin('https://auth.corp.example').describe(
        'The `iss` claim. Its host answers for the metadata, and for tokens also where no app has it.',
      ),
      clients: z.array(client()).min(1).describe('Programs that get tokens. Who names none is the first.'),
      sign_in: z
        .array(word('negotiate'))
        .min(1)
        .optional()
        .describe(
          'How people and programs show who they are when they ask for a token: names of `sign_in` entries. Default: all.',
        ),
      keys: keys(context),
    })
    .check(({ value, issues }) => {
      for (const [i, { id }] of value.clients.entries())
        if (value.clients.findIndex((other) => other.id === id) < i)
          refuse({ issues }, `"${id}" is already in the list`, 'Give each client an id of its own.', [
            'clients',
            i,
            'id',
          ]);
    });

/** Absent, it is `false`: what is `undefined` to a check is a section with a fault. */
export const issuerSection = (context: SchemaContext) =>
  z
    .union([issuer(context), z.literal(false)])
    .prefault(false)
    .describe(
      'Tokens (JWT) for programs: `POST /desktop/token` gives one to whoever can sign in, and other services verify it with the keys under `/.well-known/jwks.json`. Off unless it is here.',
    )
    .meta({
      'x-example':
        'issuer:\n  url: https://auth.corp.example\n  sign_in: [negotiate]\n  clients:\n    - id: desktop\n      audience: llm\n      allow: { groups: [team-ai] }\n      groups: [team-ai, "llm-*"]\n',
    });
