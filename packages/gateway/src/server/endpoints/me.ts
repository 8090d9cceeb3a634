import type { Role } from '../../policy/rule.ts';
import { modulesOf } from '../../policy/subject.ts';
import type { LiveSessions } from '../live-sessions.ts';
import type { Endpoint } from './endpoint.ts';

/**
 * `GET /auth/me`: who I am, which roles and modules I have, and when this ends. The "pre-flight" of a front end:
 * calling it first signs the browser in, so that the WebSocket that follows has its session.
 */
export function me(roles: Readonly<Record<string, Role>>, sessions: LiveSessions, idleMs: number): Endpoint {
  return {
    path: '/me',
    methods: ['GET'],
    signIn: 'required',
    async handle(_request, { live }) {
      if (live === undefined) return new Response(null, { status: 401 });
      const { identity, session, subject } = live;
      const own = [...subject.roles];
      // A credential that comes with each request idles away nothing.
      const idleEnd = live.passing ? identity.expiresAt : Math.min(session.sealedAt + idleMs, identity.expiresAt);
      return Response.json(
        {
          subject: identity.subject,
          account: identity.account,
          upn: identity.upn,
          name: identity.name,
          email: identity.email,
          groups: identity.groups,
          groups_known: subject.groupsKnown,
          roles: own,
          modules: modulesOf(own, roles),
          method: identity.method,
          provider: session.provider,
          credentials: [...subject.credentials],
          proven_at: identity.provenAt === undefined ? null : new Date(identity.provenAt).toISOString(),
          authenticated_at: new Date(identity.authenticatedAt).toISOString(),
          expires_at: new Date(identity.expiresAt).toISOString(),
          csrf_token: sessions.csrfToken(live),
          idle_expires_at: new Date(idleEnd).toISOString(),
        },
        { headers: { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' } },
      );
    },
  };
}
