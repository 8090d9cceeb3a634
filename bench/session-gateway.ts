/**
 * A gateway with somebody signed in, for those parts that are not about signing in.
 *
 * @module
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { signIn, usersFile } from '../packages/gateway/test/harness.ts';

/** Writes the users file that the configuration below names. */
export async function writeUsers(folder: string): Promise<void> {
  const users = await usersFile({ alice: ['team-ai', 'dep1', 'loc1', 'uni1'] });
  writeFileSync(join(folder, 'users.yaml'), users, { mode: 0o600 });
}

/** An app at any host whose `/1k` and everything else need a group; `/public/` is for everybody. */
export const sessionConfig = (upstreamPort: number): string => `sign_in:
  - password: { users: users.yaml }
roles:
  analyst: { groups: [team-ai], modules: [Reports] }
apps:
  - name: desk
    host: "*"
    upstream: http://127.0.0.1:${upstreamPort}
    streams: { per_person: 10000 } # all of the load is alice's
    rules:
      - { path: /**, groups: [team-ai] }
`;

/** Alice's session with the gateway at this origin, as the value of a `Cookie` field. */
export const sessionCookie = (origin: string): Promise<string> => signIn(origin, 'alice');
