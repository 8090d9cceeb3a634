import type { SchemaContext } from '../context.ts';
import { apiKey } from './sign-in-api-key.ts';
import { approval } from './sign-in-approval.ts';
import { bearer } from './sign-in-bearer.ts';
import { clientCertificate } from './sign-in-client-certificate.ts';
import { development } from './sign-in-development.ts';
import { streamToken } from './sign-in-stream-token.ts';
import { trustedHeader } from './sign-in-trusted-header.ts';

/** The entries of `sign_in` for credentials that come with each request, and for the development identity; to be spread into its schema. */
export const credentialEntries = (context: SchemaContext) => ({
  api_key: apiKey(context).optional(),
  bearer: bearer(context).optional(),
  stream_token: streamToken(context).optional(),
  approval: approval(context).optional(),
  trusted_header: trustedHeader(context).optional(),
  client_certificate: clientCertificate(context).optional(),
  development: development(context).optional(),
});
