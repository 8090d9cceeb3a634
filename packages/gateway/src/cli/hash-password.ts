import { hashPassword, maxPasswordLength } from '../auth/password-hash.ts';
import type { Command } from './command.ts';
import { readPassword } from './read-password.ts';

/** `cardea hash-password`: the hash for the users file. The password is never an argument, which others could see. */
export const hashPasswordCommand: Command = {
  name: 'hash-password',
  summary: 'make a password hash for the users file',
  operands: [],
  help: `Asks for a password twice, without showing it, and prints its argon2id hash for "password_hash" in the users
file. From a pipe it takes one line: printf %s "$PASSWORD" | cardea hash-password`,
  options: {},
  async run(_args, terminal) {
    const { stdout, stderr } = terminal;
    const input = await readPassword(terminal);
    const fault = input.kind === 'wrong' ? input.message : lengthFault(input.password);
    if (input.kind === 'wrong' || fault !== undefined) {
      stderr.write(`cardea hash-password: ${fault ?? ''}\n`);
      return 1;
    }
    stdout.write(`${await hashPassword(input.password)}\n`);
    return 0;
  },
};

function lengthFault(password: string): string | undefined {
  if (password === '') return 'the password is empty';
  return password.length > maxPasswordLength
    ? `the password is longer than ${maxPasswordLength} characters`
    : undefined;
}
