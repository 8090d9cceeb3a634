import { z } from 'zod';
import { upnSuffix } from '../values/account.ts';
import { domain } from '../values/leaf.ts';

/** How names of accounts are read, for sign-in methods that get them from elsewhere. */
export const accountNames = () => ({
  default_domain: domain()
    .optional()
    .describe('Short name of the domain of a name that comes without one. Without it such a name is refused.'),
  domains: z
    .record(upnSuffix(), domain())
    .prefault({})
    .describe(
      'Short domain name by what stands behind the @ of a name: `corp.example: CORP` makes `CORP\\\\alice` of `alice@corp.example`. Without it the account is the name as it is.',
    ),
});
