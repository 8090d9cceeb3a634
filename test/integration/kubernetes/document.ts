/**
 * The commands of docs/kubernetes.md, which the tests run, and hold to the manifests.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const documentPath: string = join(import.meta.dirname, '../../../docs/kubernetes.md');

/** The commands in the one block that has this text. */
export function commandsWith(text: string): string {
  const blocks = [...readFileSync(documentPath, 'utf8').matchAll(/```sh\n([\s\S]*?)```/g)].map(
    ([, block = '']) => block,
  );
  const found = blocks.filter((block) => block.includes(text));
  if (found.length !== 1) throw new Error(`Cannot find the one block with ${text}`);
  return found[0] ?? '';
}

/** A Secret or ConfigMap: which file is read for each of its keys. */
export type MadeByHand = ReadonlyMap<string, string>;

/** The Secrets and ConfigMaps that people make by the commands of the document. */
export function madeByHand(): ReadonlyMap<string, MadeByHand> {
  const commands = commandsWith('create secret generic cardea-secrets').replaceAll('\\\n', ' ');
  return new Map(
    [...commands.matchAll(/create (?:secret generic|configmap) (\S+)(.*)/g)].map(([, name = '', rest = '']) => [
      name,
      new Map(
        [...rest.matchAll(/--from-file=(\S+)/g)].map(([, file = '']) => {
          const [key = '', from = key] = file.split('=');
          return [key, from] as const;
        }),
      ),
    ]),
  );
}
