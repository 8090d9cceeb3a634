import { StoreUnavailable } from '../ports/store-unavailable.ts';
import { StateError } from '../stores/state-folder.ts';
import type { Command } from './command.ts';
import { fileHelp } from './config-file.ts';
import { loadedFor, speechOf } from './speech.ts';
import { askUsage } from './usage-answer.ts';
import { readUsageQuestion, usageData } from './usage-question.ts';
import { usageCsv, usageTable } from './usage-text.ts';

/** `cardea usage`: what people have used. */
export const usage: Command = {
  name: 'usage',
  summary: 'requests and tokens by person, group, model, app, tier or day',
  operands: ['[file]'],
  help: `Sums up what people have used of the apps with limits: requests, refused and failed ones, tokens, and how long the first
token took (TTFT: median and 95th percentile).

--since and --until take a day (2026-11-22, of UTC, the whole of it), a moment (2026-11-22T08:30:00Z) or how long ago (12h, 7d).
Works beside a running gateway, on its database, or on the PostgreSQL that several of them share. What has come in the last second may not be there yet.
${fileHelp}`,
  options: {
    by: { type: 'string', value: 'what', summary: 'person (default), group, model, app, tier or day' },
    since: { type: 'string', value: 'when', summary: 'default: 30d' },
    until: { type: 'string', value: 'when', summary: 'default: now' },
    app: { type: 'string', value: 'name', summary: 'of one app' },
    json: { type: 'boolean', summary: 'print JSON' },
    csv: { type: 'boolean', summary: 'print CSV' },
  },
  async run(args, terminal) {
    const { stdout, stderr, now } = terminal;
    const { options } = args;
    const { misunderstood, failed } = speechOf('usage', terminal);
    if (options['json'] === true && options['csv'] === true) return misunderstood('name one of --json and --csv');
    const question = readUsageQuestion((name) => {
      const value = options[name];
      return typeof value === 'string' ? value : undefined;
    }, now());
    if (typeof question === 'string') return misunderstood(question);

    const loaded = loadedFor('usage', args, terminal);
    if (typeof loaded === 'number') return loaded;
    try {
      const answer = await askUsage(loaded, question, now);
      if (typeof answer === 'string') return failed(answer);
      if (options['json'] === true) stdout.write(`${JSON.stringify(usageData(question, answer), undefined, 2)}\n`);
      else if (options['csv'] === true) stdout.write(usageCsv(question, answer));
      else stdout.write(usageTable(question, answer));
      const configured = question.app === undefined || loaded.config.apps.some((app) => app.name === question.app);
      if (!configured && answer.total.requests === 0) stderr.write('cardea usage: no app of that name is configured\n');
      return 0;
    } catch (error) {
      if (!(error instanceof StateError || error instanceof StoreUnavailable)) throw error;
      return failed(error.message);
    }
  },
};
