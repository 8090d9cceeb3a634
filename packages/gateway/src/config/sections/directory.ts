import { z } from 'zod';
import { file, type SchemaContext, secret } from '../context.ts';
import { duration, group, ldapUrl, sid } from '../values/leaf.ts';
import { word } from '../values/name.ts';
import { graph } from './directory-graph.ts';

const ldap = (context: SchemaContext) =>
  z
    .strictObject({
      url: ldapUrl().describe('A domain controller. `ldaps://`, or `ldap://` with `start_tls: true`.'),
      start_tls: z.boolean().prefault(false).describe('Encrypts an `ldap://` connection before anything is said.'),
      ca: file(context, 'tls/corp-ca.pem')
        .optional()
        .describe(
          "PEM file of the authority that the controller's certificate must chain to. Default: those of the system.",
        ),
      bind: z
        .strictObject({
          user: z
            .string()
            .min(1)
            .meta({ 'x-examples': ['svc-cardea@corp.example'] })
            .describe('`user@realm`, `DOMAIN\\user` or a distinguished name.'),
          password: secret(context, '${file:/run/secrets/ldap}').describe('Its password.'),
        })
        .describe('An account that may read groups and people. It needs no other right.'),
      base: z
        .string()
        .prefault('')
        .meta({ 'x-examples': ['DC=corp,DC=example'] })
        .describe("Where searches start. Empty: the controller's own default."),
      cache: duration('10s', '1d', '10m').prefault('10m').describe('How long an answer is kept.'),
      keep_for: duration('0s', '7d', '8h')
        .prefault('8h')
        .describe(
          'How long the last known groups of a person serve while the controller does not answer. After that there are none.',
        ),
      match_email: z
        .boolean()
        .prefault(false)
        .describe(
          'Finds people by e-mail address as well (`mail`), when UPN and account lead to nobody. Only where every sign-in method with `groups_from: directory` vouches for the addresses that it gives.',
        ),
      timeout: duration('100ms', '1m', '5s').prefault('5s').describe('How long to wait for an answer.'),
    })
    .describe(
      'Active Directory: names of groups, name and e-mail address of people; all groups of people whose sign-in method tells none; and, if you like, their passwords.',
    );

export const directory = (context: SchemaContext) =>
  z
    .strictObject({
      ldap: ldap(context).optional(),
      graph: graph(context).optional(),
      people: z
        .enum(['ldap', 'graph'])
        .optional()
        .describe('Which of the two tells the groups of people, where both are there (`groups_from: directory`).'),
      groups: z
        .record(sid(), group())
        .prefault({})
        .describe('Names for groups by SID, asked before LDAP. Enough by itself when there are few groups.'),
    })
    .prefault({})
    .describe('A Kerberos ticket carries groups as numbers (SIDs). The directory gives them their names.')
    .meta({
      'x-example':
        'directory:\n  ldap:\n    url: ldaps://dc1.corp.example\n    ca: tls/corp-ca.pem\n    bind: { user: svc-cardea@corp.example, password: "${file:/run/secrets/ldap}" }\n    base: DC=corp,DC=example\n  groups:\n    S-1-5-21-1004336348-1177238915-682003330-1104: team-ai\n',
    });

export const roles = () =>
  z
    .record(
      word('risk'),
      z.strictObject({
        groups: z
          .array(group())
          .min(1)
          .describe('Members of any of these have the role: names (without regard to case) or SIDs.'),
        modules: z.array(word('Positions')).prefault([]).describe('What the role opens. `"*"` opens every module.'),
      }),
    )
    .prefault({})
    .describe('Roles come from groups, and modules from roles. Rules, and the apps, may then speak of either.')
    .meta({
      'x-example':
        'roles:\n  risk: { groups: [risk-team], modules: [PnL, Positions, Risk] }\n  admin: { groups: [it-admins], modules: ["*"] }\n',
    });
