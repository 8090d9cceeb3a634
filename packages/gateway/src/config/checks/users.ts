import type { PasswordUser } from '../../auth/password-users.ts';
import { readUsers } from '../users-file.ts';
import { type CheckContext, error, warning } from './check.ts';

/** Reads the users file that `sign_in` names. Its problems are reported in their places in that file. */
export function checkUsers({ config, files, report, reportElsewhere }: CheckContext): readonly PasswordUser[] {
  const users: PasswordUser[] = [];
  if (files === undefined) return users;
  for (const [i, { password }] of (config.sign_in ?? []).entries()) {
    if (password?.users === undefined) continue;
    const at = ['sign_in', i, 'password', 'users'];
    const read = files.read(password.users);
    if (read.kind === 'wrong') {
      report(error(at, read.message, read.fix));
      continue;
    }
    if (files.isWorldReadable(password.users))
      report(
        warning(
          at,
          `everybody on this machine may read ${files.display(password.users)}, and try passwords against its hashes`,
          'chmod 600, and let it belong to the user of the service.',
        ),
      );
    const result = readUsers(new TextDecoder().decode(read.value), files.display(password.users));
    result.problems.forEach(reportElsewhere);
    users.push(...result.users);
  }
  return users;
}
