/**
 * Where a request names models beside `model`. No standard has these; each is read by a backend or a router that speaks like
 * OpenAI's API (LiteLLM, OpenRouter, Azure), and would answer with a model that nobody has allowed.
 *
 * @module
 */
import { isObject } from './told.ts';

/** Members of the outermost object. Each text within is a model, or worse. */
export const otherNames = [
  'models',
  'fallbacks',
  'fallback_models',
  'context_window_fallbacks',
  'content_policy_fallbacks',
  'deployment_id',
  'engine',
  'model_list',
  'user_config',
] as const;

const inQuery: ReadonlySet<string> = new Set(['model', ...otherNames]);

/** Models that a body names beside that of `model`: to fall back on, in tools that are models themselves, or as several in one text. */
export function namedElsewhere(body: Readonly<Record<string, unknown>>): readonly string[] {
  const { model, tools } = body;
  const ofTools = Array.isArray(tools) ? tools.flatMap((tool) => (isObject(tool) ? texts(tool['model']) : [])) : [];
  const several = texts(model).filter((text) => text !== model);
  return [...several, ...otherNames.flatMap((name) => texts(body[name])), ...ofTools];
}

/** Models that a query names, `?` included: to some it says more than the body. */
export function modelsOfQuery(query: string): readonly string[] {
  if (query.length < 2) return [];
  // Some part it at semicolons too.
  const parameters = new URLSearchParams(query.slice(1).replaceAll(';', '&'));
  return [...parameters]
    .filter(([name]) => inQuery.has(foldedName(name.replace(/\[.*$/s, ''))))
    .flatMap(([, value]) => texts(value));
}

/** A name as careless readers know it: without case, compatible letters alike (`ſ` and `s`), ended by a NUL. */
export function foldedName(name: string): string {
  const [text = ''] = name.split('\0');
  return text.normalize('NFKC').trim().toLowerCase();
}

function texts(value: unknown): readonly string[] {
  // LiteLLM asks all the models of a list with commas.
  if (typeof value === 'string')
    return value.includes(',') ? [value, ...value.split(',').map((part) => part.trim())] : [value];
  if (Array.isArray(value)) return value.flatMap(texts);
  return isObject(value) ? Object.values(value).flatMap(texts) : [];
}
