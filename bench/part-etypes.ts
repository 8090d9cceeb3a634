import { measureKerberos } from './kerberos.ts';
import type { Part } from './surroundings.ts';

/** Sign-ons with tickets made here, a new one for each: what the lab's domain does not issue, and without the lab. */
export const etypesPart: Part = {
  name: 'etypes',
  summary: 'Negotiate sign-on in process by encryption type, without the lab',
  missing: () => [],
  async run({ quick }) {
    const figures = await measureKerberos(Date.now(), quick);
    return [
      {
        title: 'Sign-on in process: tickets of our own making, replay cache in memory',
        unit: 'CPU µs per sign-on',
        figures: figures.map(({ what, tokenBytes, cost }) => ({ what: `${what} (${tokenBytes} bytes)`, cost })),
        remarks: ['A new ticket for each sign-on. The first case has warmed up less than the others.'],
      },
    ];
  },
};
