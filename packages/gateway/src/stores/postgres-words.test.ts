import assert from 'node:assert/strict';
import { test } from 'node:test';
import { postgresPlace, postgresTrouble } from './postgres-words.ts';

const failure = (message: string, code?: string): Error =>
  Object.assign(new Error(message), code === undefined ? {} : { code });

for (const [what, error, words] of [
  ['a system call', failure('connect ECONNREFUSED 10.0.0.7:5432', 'ECONNREFUSED'), 'nothing listens there'],
  [
    'several attempts to connect',
    new AggregateError([failure('x', 'ECONNREFUSED'), failure('y', 'ENETUNREACH')], ''),
    'nothing listens there',
  ],
  ['an answer', failure('password for "hunter2"', '28P01'), 'it does not take this user name and password'],
  ['an answer that it has no words for', failure('hunter2', '22P02'), 'error 22P02'],
  ['the alarm', failure('timed out'), 'it does not answer in time'],
  ['a connection that is not made', failure('timeout expired'), 'it does not answer in time'],
  ['no TLS', failure('The server does not support SSL connections'), 'it does not speak TLS'],
  ['no password', failure('SASL: client password must be a non-empty string'), 'it wants a password'],
  ['anything else', failure('hunter2'), 'the connection was lost'],
  ['what is no error', 'hunter2', 'the connection was lost'],
] as const)
  test(`postgresTrouble() says what is wrong without the words of others: ${what}`, () =>
    assert.equal(postgresTrouble(error), words));

for (const [host, place] of [
  ['pg.corp.example', 'pg.corp.example:5432'],
  ['::1', '[::1]:5432'],
  ['/run/postgresql', '/run/postgresql/.s.PGSQL.5432'],
] as const)
  test(`postgresPlace() names ${place}`, () =>
    assert.equal(postgresPlace({ host, port: 5432, database: 'cardea' }), place));
