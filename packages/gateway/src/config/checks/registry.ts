import { checkAppLimits } from './app-limits.ts';
import { checkAppsAreDistinct, checkAppsAreReachable, checkHeaderNames, checkUpstreams } from './apps.ts';
import { checkCertificates } from './certificates.ts';
import type { Check } from './check.ts';
import { checkContradictions, checkMaxAge, checkSignedInBy } from './contradictions.ts';
import { checkApprovals, checkBearerIssuers, checkClientCertificates, checkRuleCredentials } from './credentials.ts';
import { checkCors } from './cors.ts';
import { checkDangers } from './dangers.ts';
import { checkDevelopment } from './development.ts';
import { checkDirectory } from './directory.ts';
import { checkForwardAuth } from './forward-auth.ts';
import { checkGroupsHaveNames } from './groups.ts';
import { checkIssuer } from './issuer.ts';
import { checkKeytabs } from './keytab.ts';
import { checkListeners } from './listeners.ts';
import { checkOpenDoors } from './open-doors.ts';
import { checkPages } from './pages.ts';
import { checkRedis } from './redis.ts';
import { checkAppSignIn } from './sign-in.ts';
import { checkUpstreamCredential } from './upstream-credential.ts';
import { checkUsage } from './usage.ts';
import { checkRuleReferences, checkRulesAreReachable, checkUnauthorizedPage } from './rules.ts';

/** Everything that is checked beyond the shape. A new check is one line here; their order does not matter. */
export const checks: readonly Check[] = [
  checkListeners,
  checkForwardAuth,
  checkCertificates,
  checkKeytabs,
  checkDirectory,
  checkRedis,
  checkAppsAreDistinct,
  checkAppsAreReachable,
  checkUpstreams,
  checkAppLimits,
  checkUpstreamCredential,
  checkHeaderNames,
  checkCors,
  checkAppSignIn,
  checkOpenDoors,
  checkRulesAreReachable,
  checkRuleReferences,
  checkContradictions,
  checkSignedInBy,
  checkMaxAge,
  checkRuleCredentials,
  checkApprovals,
  checkBearerIssuers,
  checkClientCertificates,
  checkDevelopment,
  checkUnauthorizedPage,
  checkGroupsHaveNames,
  checkIssuer,
  checkPages,
  checkUsage,
  checkDangers,
];
