import { takeQueryParameter, withoutParameterInReferer } from '../wire/query-parameter.ts';
import { type RequestContext, upstreamFields } from './request-context.ts';

/**
 * The request with its stream token taken out of the address: whatever becomes of the request, the token reaches neither app
 * nor log. `undefined` when it could be read in two ways.
 */
export function withoutStreamToken(context: RequestContext, parameter: string | undefined): RequestContext | undefined {
  if (parameter === undefined) return context;
  const fields = withoutParameterInReferer(context.fields, parameter);
  const cleaned =
    fields === context.fields ? context : { ...context, fields, toUpstream: upstreamFields({ ...context, fields }) };
  const taken = takeQueryParameter(context.query, parameter);
  switch (taken.kind) {
    case 'none':
      return cleaned;
    case 'ambiguous':
      return undefined;
    case 'one': {
      const { query, value } = taken;
      return { ...cleaned, query, target: context.path + query, streamToken: value };
    }
  }
}
