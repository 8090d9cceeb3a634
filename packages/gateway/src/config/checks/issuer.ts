import { readSigningKey } from '../../tokens/signing-key.ts';
import { isLoopback } from '../values/address.ts';
import { entryId } from '../sign-in-entries.ts';
import { type Check, error, warning, wellFormedApps } from './check.ts';

/** The issuer's address, clients and keys. */
export const checkIssuer: Check = (context) => {
  const { config, files, report } = context;
  const { issuer, sign_in: entries, roles } = config;
  if (issuer === undefined || issuer === false) return;
  const { protocol, hostname } = new URL(issuer.url);
  if (protocol === 'http:' && !isLoopback(hostname.replace(/^\[(.*)\]$/, '$1')))
    report(
      warning(
        ['issuer', 'url'],
        'whoever is on the way can give verifiers keys of their own: this is not https',
        'Write the https address under which Cardea is reached.',
      ),
    );
  const host = hostname.toLowerCase();
  if (
    wellFormedApps(config).some(
      ({ app }) => app.sign_in === 'none' && (app.host.includes(host) || app.host.includes('*')),
    )
  )
    report(
      error(
        ['issuer', 'url'],
        'an app with sign_in: none has this host, and every path of its own',
        'Give the issuer a host of its own, or let people sign in to that app.',
      ),
    );

  if (entries !== undefined) {
    const ids = entries.flatMap((entry) => entryId({ ...entry }) ?? []);
    const lists = [
      { list: issuer.sign_in ?? [], at: ['issuer', 'sign_in'] },
      ...issuer.clients.map((client, i) => ({ list: client.sign_in ?? [], at: ['issuer', 'clients', i, 'sign_in'] })),
    ];
    for (const { list, at } of lists)
      for (const [i, id] of list.entries())
        if (!ids.includes(id))
          report(
            error(
              [...at, i],
              `there is no sign-in method "${id}"`,
              `Use one of these: ${ids.join(', ') || 'there is none yet'}.`,
            ),
          );
        else if (at.length > 2 && issuer.sign_in !== undefined && !issuer.sign_in.includes(id))
          report(error([...at, i], `the issuer is not signed in to by "${id}"`, 'Add it to issuer.sign_in.'));
    if (ids.length === 0) report(error(['issuer'], 'nobody can sign in to get a token', 'Add an entry to sign_in.'));
  }
  if (roles !== undefined)
    for (const [i, { allow }] of issuer.clients.entries())
      for (const [k, role] of (allow?.roles ?? []).entries())
        if (!Object.hasOwn(roles, role))
          report(
            error(
              ['issuer', 'clients', i, 'allow', 'roles', k],
              `there is no role "${role}"`,
              'Write the name of a role.',
            ),
          );
  if (files !== undefined) checkFiles(issuer.keys.files ?? [], context);

  const audiences = new Set(issuer.clients.flatMap(({ audience }) => audience));
  for (const [i, { bearer }] of (entries ?? []).entries())
    for (const [k, own] of (bearer?.issuers ?? []).entries()) {
      if (own.issuer !== issuer.url) continue;
      const at = ['sign_in', i, 'bearer', 'issuers', k];
      for (const name of ['jwks_url', 'keys'] as const)
        if (own[name] !== undefined)
          report(error([...at, name], 'this is our own issuer, whose keys are known', `Remove ${name}.`));
      if (!own.audience.some((one) => audiences.has(one)))
        report(
          warning(
            [...at, 'audience'],
            'no client of the issuer gets tokens for this',
            'Write an audience of issuer.clients.',
          ),
        );
    }
};

type KeyFiles = NonNullable<Extract<Parameters<Check>[0]['config']['issuer'], object>['keys']['files']>;

function checkFiles(list: KeyFiles, { files, now, report }: Parameters<Check>[0]): void {
  if (files === undefined) return;
  const kids = new Map<string, number>();
  let signers = 0;
  for (const [i, { file, from = 0 }] of list.entries()) {
    const at = ['issuer', 'keys', 'files', i, 'file'];
    const contents = files.read(file);
    if (contents.kind === 'wrong') {
      report(error(at, contents.message, contents.fix));
      continue;
    }
    try {
      const { kid, privateKey } = readSigningKey(Buffer.from(contents.value));
      if (kids.has(kid)) report(error(at, 'the same key is in the list already', 'Keep it once.'));
      kids.set(kid, i);
      if (privateKey !== undefined && from <= now) signers++;
      if (privateKey !== undefined && files.isWorldReadable(file))
        report(
          warning(
            at,
            'everybody on this machine may read the private key',
            `Run chmod 600, and chown to the user of Cardea.`,
          ),
        );
    } catch (fault) {
      if (!(fault instanceof RangeError)) throw fault;
      report(error(at, fault.message, 'Make one with: openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048'));
    }
  }
  if (list.length > 0 && kids.size === list.length && signers === 0)
    report(
      error(
        ['issuer', 'keys', 'files'],
        'no private key in the list signs yet',
        'Add one, or let its `from` be a moment that has passed.',
      ),
    );
}
