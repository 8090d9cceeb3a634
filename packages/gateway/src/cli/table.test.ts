import assert from 'node:assert/strict';
import { test } from 'node:test';
import { minute, table } from './table.ts';

test('table() puts columns below each other, without blanks at the ends of lines', () => {
  assert.equal(
    table(
      ['A', 'LONG', 'C'],
      [
        ['first', 'x', ''],
        ['b', 'yy', 'z'],
      ],
    ),
    'A      LONG  C\nfirst  x\nb      yy    z\n',
  );
});

test('table() lets nobody write to the terminal', () => {
  assert.equal(table(['A'], [['\u001b[2Jx\r\n\u202ey\u0000']]), 'A\n?[2Jx???y?\n');
});

test('minute() says that it means UTC', () => assert.equal(minute(0), '1970-01-01 00:00Z'));
