import type { Check } from './check.ts';
import { clock } from './checks/clock.ts';
import { configuration } from './checks/configuration.ts';
import { cookies } from './checks/cookies.ts';
import { directory } from './checks/directory.ts';
import { dns } from './checks/dns.ts';
import { exposure } from './checks/exposure.ts';
import { extAuthz } from './checks/ext-authz.ts';
import { keytab } from './checks/keytab.ts';
import { oidc } from './checks/oidc.ts';
import { policy } from './checks/policy.ts';
import { postgres } from './checks/postgres.ts';
import { program } from './checks/program.ts';
import { redis } from './checks/redis.ts';
import { state } from './checks/state.ts';
import { throughGateway } from './checks/through.ts';
import { tls } from './checks/tls.ts';
import { upstreamAnswers } from './checks/upstream-answers.ts';
import { upstreamAround } from './checks/upstream-around.ts';

/** Everything that doctor tries, in the order of its report. A new check is one file and one line here. */
export const checks: readonly Check[] = [
  configuration,
  upstreamAround,
  throughGateway,
  extAuthz,
  exposure,
  tls,
  cookies,
  dns,
  keytab,
  clock,
  directory,
  policy,
  redis,
  postgres,
  oidc,
  upstreamAnswers,
  state,
  program,
];
