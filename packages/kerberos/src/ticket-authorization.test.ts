import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ifRelevant } from '../test/initiator.ts';
import { AuthDataType } from './numbers.ts';
import { readAuthorization } from './ticket-authorization.ts';

const pac = { type: AuthDataType.win2kPac, data: Uint8Array.of(1) };
const unknown = { type: 77, data: Uint8Array.of(2) };
const promise = { type: AuthDataType.apOptions, data: Uint8Array.of(0, 0x40, 0, 0) };

test('readAuthorization() finds the PAC inside AD-IF-RELEVANT and beside it', () => {
  assert.deepEqual(readAuthorization([ifRelevant(pac), pac]), {
    kind: 'read',
    pacs: [pac.data, pac.data],
    bindingsPromised: false,
  });
});

test('readAuthorization() takes no data for nothing', () => {
  assert.deepEqual(readAuthorization(undefined), { kind: 'read', pacs: [], bindingsPromised: false });
});

test('readAuthorization() passes over what it does not know inside AD-IF-RELEVANT', () => {
  assert.equal(readAuthorization([ifRelevant(unknown)]).kind, 'read');
});

test('readAuthorization() reports what it does not know outside of it (RFC 4120, 5.2.6)', () => {
  assert.deepEqual(readAuthorization([unknown]), { kind: 'not-understood', type: 77 });
});

for (const type of [AuthDataType.kdcIssued, AuthDataType.mandatoryForKdc, AuthDataType.etypeNegotiation])
  test(`readAuthorization() passes over type ${type}, which restricts nothing`, () =>
    assert.equal(readAuthorization([{ type, data: new Uint8Array() }]).kind, 'read'));

test('readAuthorization() reads the promise of channel bindings', () => {
  const findings = readAuthorization([ifRelevant(promise)]);
  assert.ok(findings.kind === 'read' && findings.bindingsPromised);
});

test('readAuthorization() takes another option, or one cut short, for no promise', () => {
  for (const data of [Uint8Array.of(0, 0, 0x40, 0), Uint8Array.of(0, 0x40, 0)]) {
    const findings = readAuthorization([ifRelevant({ ...promise, data })]);
    assert.ok(findings.kind === 'read' && !findings.bindingsPromised);
  }
});

test('readAuthorization() reports an AD-IF-RELEVANT that holds no authorization data', () => {
  assert.deepEqual(readAuthorization([{ type: 1, data: Uint8Array.of(0x30, 1) }]), { kind: 'malformed' });
});
