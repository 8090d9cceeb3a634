/**
 * The image of the Containerfile without a container program: its commands are run one by one in a folder, and a pod of it is a
 * process whose root is that folder, read-only, with what Kubernetes mounts. The bases are stand-ins: Node is the one that runs the
 * tests, and of Debian there is nothing but the programs that the manifests call, and the libraries of these.
 *
 * @module
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  globSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, matchesGlob } from 'node:path';
import { run } from '../../../lab/processes.ts';
import { at, listAt, textAt } from './objects.ts';
import type { Contents } from './stand.ts';

const root = join(import.meta.dirname, '../../..');

/** For `skip`: false, or why there are no such processes on this machine. */
export function noMounts(): string | false {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'mounts need Linux and the root user';
  const tried = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'none', '/mnt'], { encoding: 'utf8' });
  return tried.status === 0 ? false : `this machine gives no mount namespaces: ${tried.stderr}`;
}

/** One instruction: `COPY --from=build a b` is COPY with the words behind it. */
interface Instruction {
  readonly name: string;
  readonly rest: string;
}

export interface Image {
  /** The file system. */
  readonly root: string;
  readonly env: Readonly<Record<string, string>>;
  readonly directory: string;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly user: string;
}

/** The two stages of the Containerfile, each a list of instructions. */
export function stages(): readonly (readonly Instruction[])[] {
  const lines = readFileSync(join(root, 'Containerfile'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => ({ name: line.split(' ')[0] ?? '', rest: line.slice(line.indexOf(' ') + 1) }));
  const starts = lines.flatMap(({ name }, i) => (name === 'FROM' ? [i] : []));
  return starts.map((start, i) => lines.slice(start, starts[i + 1]));
}

/** Files that a build gets: those of the repository that .dockerignore leaves, by the rules of Docker. */
export function context(): readonly string[] {
  const patterns = readFileSync(join(root, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  const isLeft = (path: string): boolean => {
    const parts = path.split('/');
    const above = parts.map((_, i) => parts.slice(0, i + 1).join('/'));
    let ignored = false;
    for (const pattern of patterns) {
      const negated = pattern.startsWith('!');
      if (above.some((one) => matchesGlob(one, negated ? pattern.slice(1) : pattern))) ignored = !negated;
    }
    return !ignored;
  };
  const skip = (path: string): boolean => /(?:^|\/)(?:node_modules|\.git|\.cardea)$/.test(path);
  return globSync('**/*', { cwd: root, exclude: skip }).filter(
    (path) => isLeft(path) && statSync(join(root, path)).isFile(),
  );
}

/** Builds the image in a folder. */
export async function buildImage(folder: string): Promise<Image> {
  const [first = [], second = []] = stages();
  const build = join(folder, 'build');
  const files = context();
  let directory = '/';
  for (const { name, rest } of first) {
    if (name === 'WORKDIR') mkdirSync(join(build, (directory = rest)), { recursive: true });
    else if (name === 'COPY') copyIn(rest, files, join(build, directory));
    else if (name === 'RUN')
      await run('/bin/sh', ['-c', rest], {
        cwd: join(build, directory),
        timeoutMs: 120_000,
        // What npm has already brought to this machine, it need not bring again.
        env: { ...process.env, NODE_ENV: 'production', npm_config_prefer_offline: 'true' },
      });
    else if (name !== 'FROM' && `${name} ${rest}` !== 'ENV NODE_ENV=production')
      throw new Error(`Cannot build: ${name} ${rest}`);
  }

  const place = join(folder, 'root');
  for (const path of ['proc', 'dev', 'tmp', 'etc', 'run', 'var/lib']) mkdirSync(join(place, path), { recursive: true });
  writeFileSync(join(place, 'etc/hosts'), '127.0.0.1 localhost\n');
  writeFileSync(join(place, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  for (const program of ['/usr/bin/install', '/usr/bin/sleep', '/usr/bin/env']) await copyProgram(program, place);
  let image: Image = { root: place, env: {}, directory: '/', entrypoint: [], command: [], user: '' };
  for (const { name, rest } of second) {
    const words = rest.split(' ');
    if (name === 'COPY' && rest.endsWith('/bin/node')) await copyProgram(process.execPath, place, words[2]);
    else if (name === 'COPY')
      cpSync(join(build, words[1] ?? ''), join(place, words[2] ?? ''), { recursive: true, verbatimSymlinks: true });
    else if (name === 'RUN' && words[0] === 'ln') symlinkSync(words[2] ?? '', join(place, words[3] ?? ''));
    else if (name === 'RUN' && rest.startsWith('[')) await new Pod(image, []).run(list(rest));
    else if (name === 'ENV')
      image = { ...image, env: { ...image.env, [rest.split('=')[0] ?? '']: rest.split('=')[1] ?? '' } };
    else if (name === 'USER') image = { ...image, user: rest };
    else if (name === 'WORKDIR') {
      mkdirSync(join(place, rest), { recursive: true });
      image = { ...image, directory: rest };
    } else if (name === 'ENTRYPOINT') image = { ...image, entrypoint: list(rest) };
    else if (name === 'CMD') image = { ...image, command: list(rest) };
    else if (!['FROM', 'EXPOSE', 'STOPSIGNAL'].includes(name) && !rest.includes('apt-get install -y'))
      throw new Error(`Cannot build: ${name} ${rest}`);
  }
  return image;
}

const list = (text: string): readonly string[] => listAt({ it: JSON.parse(text) }, 'it').map(String);

function copyIn(rest: string, files: readonly string[], to: string): void {
  const words = rest.split(' ');
  const target = words.pop() ?? '';
  for (const word of words) {
    const found = files.filter((path) => path === word || path.startsWith(word.replace(/\/?$/, '/')));
    if (found.length === 0) throw new Error(`Cannot copy ${word}: there is nothing of this name for the build`);
    for (const path of found) cpSync(join(root, path), join(to, word.endsWith('/') ? path : join(target, path)));
  }
}

/** A program, and the libraries that it says it needs. */
async function copyProgram(program: string, place: string, as: string = program): Promise<void> {
  const libraries = (await run('/usr/bin/ldd', [program])).matchAll(/(\/\S+) \(0x/g);
  const copy = (from: string, to: string): void => {
    mkdirSync(dirname(join(place, to)), { recursive: true });
    cpSync(realpathSync(from), join(place, to));
  };
  copy(program, as);
  for (const [, library = ''] of libraries) copy(library, library);
}

/** What is mounted into a container. */
export interface Mount {
  readonly from: string;
  readonly to: string;
  readonly writable: boolean;
}

/** As OpenShift's restricted-v2 has it: a number that nobody has heard of, in group 0 and in one of its own. */
export const user = { uid: 1_000_660_000, group: 1_000_660_000 } as const;

/** Processes that see nothing but an image and its mounts, and may write to nothing but what is writable of these. */
export class Pod {
  readonly #image: Image;
  readonly #mounts: readonly Mount[];

  constructor(image: Image, mounts: readonly Mount[]) {
    this.#image = image;
    this.#mounts = mounts;
  }

  /** Starts a program. What it was started by becomes it, so that signals get there. */
  start(words: readonly string[]): ChildProcess {
    const [program, ...args] = this.#launch(words);
    return spawn(program ?? '', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** Runs a program to its end. Throws when that is not good. */
  async run(words: readonly string[]): Promise<string> {
    const [program, ...args] = this.#launch(words);
    return await run(program ?? '', args);
  }

  #launch(words: readonly string[]): readonly string[] {
    const { root: place, env, directory } = this.#image;
    const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;
    const bind = (from: string, to: string): string => `mount --bind ${quoted(from)} ${quoted(join(place, to))}`;
    const script = [
      'set -e',
      bind(place, '/'),
      bind('/proc', '/proc'),
      ...['null', 'urandom'].map((name) => bind(`/dev/${name}`, `/dev/${name}`)),
      ...this.#mounts.map(({ from, to }) => bind(from, to)),
      ...this.#mounts
        .filter(({ writable }) => !writable)
        .map(({ to }) => `mount -o remount,bind,ro ${quoted(join(place, to))}`),
      `mount -o remount,bind,ro ${quoted(place)}`,
      'exec "$@"',
    ].join('\n');
    for (const name of ['null', 'urandom']) writeFileSync(join(place, 'dev', name), '');
    for (const { to } of this.#mounts) mkdirSync(join(place, to), { recursive: true });
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const beside = ['unshare', '--mount', '/bin/sh', '-c', script, 'pod', 'setpriv', '--no-new-privs', 'chroot'];
    const within = ['/usr/bin/env', '-i', '-C', directory, 'PATH=/usr/local/bin:/usr/bin:/bin', ...variables];
    return [...beside, `--userspec=${user.uid}:0`, `--groups=${user.group}`, place, ...within, ...words];
  }
}

/** What the kubelet makes of a container's volumes in a folder: files of Secrets and ConfigMaps are links, and belong to root. */
export function mountsOf(
  pod: unknown,
  container: unknown,
  folder: string,
  contents: (source: string) => Contents,
): readonly Mount[] {
  return listAt(container, 'volumeMounts').map((mount) => {
    const name = textAt(mount, 'name');
    const volume = listAt(pod, 'volumes').find((one) => at(one, 'name') === name);
    const from = join(folder, name);
    mkdirSync(from, { recursive: true });
    chownSync(from, 0, user.group);
    chmodSync(from, 0o2777);
    const writable = at(mount, 'readOnly') !== true;
    const source = at(volume, 'secret', 'secretName') ?? at(volume, 'configMap', 'name');
    if (typeof source === 'string') {
      const items = listAt(volume, 'secret', 'items').map((item) => textAt(item, 'key'));
      const mode = at(volume, 'secret', 'defaultMode') ?? 0o644;
      writeVolume(from, contents(source), items, Number(mode));
    }
    return { from, to: textAt(mount, 'mountPath'), writable };
  });
}

function writeVolume(folder: string, contents: Contents, items: readonly string[], mode: number): void {
  const data = '..2026_11_22_09_30_00.1';
  mkdirSync(join(folder, data), { recursive: true });
  chownSync(join(folder, data), 0, user.group);
  chmodSync(join(folder, data), 0o2755);
  symlinkSync(data, join(folder, '..data'));
  for (const [name, value] of Object.entries(contents)) {
    if (items.length > 0 && !items.includes(name)) continue;
    const file = join(folder, data, name);
    writeFileSync(file, value);
    chownSync(file, 0, user.group);
    chmodSync(file, mode);
    symlinkSync(join('..data', name), join(folder, name));
  }
}
