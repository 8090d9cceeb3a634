import { takeQueryParameter, withoutParameterInReferer } from '../wire/query-parameter.ts';
import type { RequestContext } from './request-context.ts';

/**
 * The request with its stream token taken out of the address: whatever becomes of the request, the token reaches neither app
 * nor log. `undefined` when it could be read in two ways.
 */
export function withoutStreamToken(context: RequestContext, parameter: string | undefined): RequestContext | undefined {
  if (parameter === undefined) return context;
  const fields = withoutParameterInReferer(context.fields, parameter);
  if (context.query === '') return fields === context.fields ? context : { ...context, fields };
  const taken = takeQueryParameter(context.query, parameter);
  switch (taken.kind) {
    case 'none':
      return fields === context.fields ? context : { ...context, fields };
    case 'ambiguous':
      return undefined;
    case 'one': {
      const { query, value } = taken;
      return { ...context, fields, query, target: context.path + query, streamToken: value };
    }
  }
}
