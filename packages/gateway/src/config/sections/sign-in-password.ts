import { z } from 'zod';
import { defaultParameters } from '../../auth/password-hash.ts';
import { file, type SchemaContext } from '../context.ts';
import { refuse, size } from '../values/leaf.ts';
import { groupsFrom } from './groups-from.ts';

const argon2 = () =>
  z
    .strictObject({
      memory: size('8MiB', '512MiB', '64MiB').prefault('64MiB').describe('Memory for each computation.'),
      passes: z.int().min(1).max(16).prefault(defaultParameters.passes).describe('Passes over that memory.'),
    })
    .prefault({})
    .describe(
      'What password hashes have to be like. One of the users file with less is made anew when its owner signs in, and kept in the database; the file stays as it is.',
    );

/** Sign-in with a name and a password, at a form. */
export const password = (context: SchemaContext) =>
  z
    .strictObject({
      users: file(context, 'users.yaml')
        .optional()
        .describe('File of the people who may sign in with a password, see [users file](#users-file).'),
      ldap: z
        .boolean()
        .prefault(false)
        .describe(
          'Everybody whom `directory.ldap` knows may sign in as well, with their Windows password. A name that is in the users file is looked up there alone.',
        ),
      groups_from: groupsFrom('the users file').describe(
        'Where the groups of people in the users file come from: from that file (`method`), or from the directory (`directory.ldap` or `directory.graph`), by their `account` or `upn`. Those of others come from there in any case.',
      ),
      argon2: argon2(),
    })
    .check((check) => {
      const { users, ldap } = check.value;
      if (users === undefined && !ldap)
        refuse(check, 'nobody could sign in', 'Name a file of users (users: users.yaml), or write ldap: true.');
    })
    .describe('A sign-in form, for people whom you list yourself, or with their Windows password.');
