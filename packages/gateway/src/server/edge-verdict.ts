import type { Fields } from '../wire/fields.ts';
import type { Judgement, Reply, Verdict } from '../wire/http.ts';
import type { Edge } from './edge.ts';
import type { RequestContext } from './request-context.ts';

type About = Pick<RequestContext, 'proto' | 'head'>;

/**
 * A verdict of ours with what the edge of its app adds. `ofApp`: it stands for the app's own answer, and so the sites that may
 * read those may read it; our endpoints are for our own pages alone.
 */
export function withEdge(
  verdict: Verdict | Promise<Verdict>,
  edge: Edge,
  about: About,
  ofApp: boolean,
): Verdict | Promise<Verdict> {
  if (verdict instanceof Promise) return verdict.then((settled) => withEdge(settled, edge, about, ofApp));
  switch (verdict.kind) {
    case 'reply':
      return { kind: 'reply', reply: replyWithEdge(verdict.reply, edge, about, ofApp) };
    case 'endpoint': {
      const { kind, maxBody } = verdict;
      const handle = async (request: Request): Promise<Response> => {
        const response = await verdict.handle(request);
        const fields = [...response.headers].flat();
        for (let i = fields.length, all = edge.ownFields(about.proto, fields); i < all.length; i += 2)
          response.headers.append(all[i] ?? '', all[i + 1] ?? '');
        return response;
      };
      return { kind, maxBody, handle };
    }
    case 'inspect': {
      const { kind, maxBytes, holder } = verdict;
      const judged = (judgement: Judgement): Judgement =>
        judgement.kind === 'forward'
          ? judgement
          : { kind: 'reply', reply: replyWithEdge(judgement.reply, edge, about, ofApp) };
      return {
        kind,
        maxBytes,
        holder,
        judge(content) {
          const judgement = verdict.judge(content);
          return judgement instanceof Promise ? judgement.then(judged) : judged(judgement);
        },
        refuse: (why) => replyWithEdge(verdict.refuse(why), edge, about, ofApp),
        abandoned: (status) => verdict.abandoned?.(status),
      };
    }
    case 'forward':
      return verdict;
  }
}

/** The same for one reply. */
export function replyWithEdge(reply: Reply, edge: Edge, { proto, head }: About, ofApp: boolean): Reply {
  const fields = edge.ownFields(proto, reply.fields);
  return { ...reply, fields: ofApp && edge.cors !== undefined ? [...fields, ...readable(edge.cors, head)] : fields };
}

const readable = (cors: NonNullable<Edge['cors']>, head: About['head']): Fields => {
  const said = cors.fieldsFor(head);
  return cors.varies ? [...said, 'Vary', 'Origin'] : said;
};
