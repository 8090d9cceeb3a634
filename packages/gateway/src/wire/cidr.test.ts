import assert from 'node:assert/strict';
import { BlockList, isIPv4 } from 'node:net';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { canonicalAddress, cidrMatcher, networkOf, parseCidr } from './cidr.ts';

const wrong = [
  '',
  '10.0.0.0/33',
  '10.0.0.0/',
  '10.0.0.0/08',
  '10.0.0.0/-1',
  '10.0.0.0/8/8',
  '10.0.0/8',
  '10.0.0.1/8',
  '010.0.0.0/8',
  'desk/8',
  '2001:db8::/129',
  '2001:db8::1/32',
  'fe80::1%eth0',
  '::ffff:10.0.0.0/95',
  ' 10.0.0.0/8',
];
for (const text of wrong) {
  test(`parseCidr() refuses "${text}"`, () => assert.equal(parseCidr(text).kind, 'wrong'));
}

const matches = [
  ['10.0.0.0/8', '10.255.0.1', true],
  ['10.0.0.0/8', '11.0.0.1', false],
  ['192.0.2.128/25', '192.0.2.129', true],
  ['192.0.2.128/25', '192.0.2.127', false],
  ['192.0.2.1', '192.0.2.1', true],
  ['192.0.2.1', '192.0.2.2', false],
  ['0.0.0.0/0', '203.0.113.9', true],
  ['0.0.0.0/0', '2001:db8::1', false],
  ['::/0', '10.0.0.1', false],
  ['2001:db8::/32', '2001:DB8:1::1', true],
  ['2001:db8::/32', '2001:db9::1', false],
  ['10.0.0.0/8', '::ffff:10.1.2.3', true],
  ['10.0.0.0/8', '::ffff:a01:203', true],
  ['::ffff:10.0.0.0/104', '10.1.2.3', true],
  ['::1', '0:0:0:0:0:0:0:1', true],
  ['10.0.0.0/8', 'unknown', false],
  ['10.0.0.0/8', '10.0.0.1:80', false],
  ['10.0.0.0/8', '', false],
] as const;
for (const [network, address, expected] of matches) {
  test(`cidrMatcher() finds "${address}" ${expected ? '' : 'not '}in ${network}`, () => {
    assert.equal(cidrMatcher(['203.0.113.7', network])(address), expected);
  });
}

test('cidrMatcher() throws for a network that it cannot read', () => {
  assert.throws(() => cidrMatcher(['10.0.0.0/99']), /Cannot read network "10\.0\.0\.0\/99": the prefix length/);
});

test('canonicalAddress() gives one spelling to each address', () => {
  assert.equal(canonicalAddress('2001:0DB8:0:0:0:0:0:1'), '2001:db8::1');
  assert.equal(canonicalAddress('::ffff:192.0.2.1'), '192.0.2.1');
  assert.equal(canonicalAddress('::FFFF:c000:201'), '192.0.2.1');
  assert.equal(canonicalAddress('192.0.2.1'), '192.0.2.1');
});

test('canonicalAddress() knows none in other text', () => {
  for (const text of ['', 'localhost', '1.2.3', '1.2.3.4 ', '[::1]', 'fe80::1%eth0', '1.2.3.4/8']) {
    assert.equal(canonicalAddress(text), undefined, text);
  }
});

test('cidrMatcher() agrees with the platform on random networks and addresses', () => {
  const address = fc.oneof(fc.ipV4(), fc.ipV6());
  fc.assert(
    fc.property(address, address, fc.nat(128), fc.boolean(), (base, other, bits, near) => {
      const family = isIPv4(base) ? 'ipv4' : 'ipv6';
      const canonical = canonicalAddress(base);
      // Wrapped IPv4 is where we differ from the platform on purpose.
      if (canonical === undefined || isIPv4(canonical) !== (family === 'ipv4')) return;
      const prefix = Math.min(bits, family === 'ipv4' ? 32 : 128);
      const list = new BlockList();
      list.addSubnet(base, prefix, family);
      const probe = near ? base : other;
      const probed = canonicalAddress(probe) ?? '';
      const network = zeroed(canonical, prefix);
      assert.equal(
        cidrMatcher([`${network}/${prefix}`])(probe),
        isIPv4(probed) === (family === 'ipv4') && list.check(probed, isIPv4(probed) ? 'ipv4' : 'ipv6'),
      );
    }),
    { numRuns: 500 },
  );
});

/** The network's first address, by arithmetic of another kind than the code's. */
function zeroed(address: string, prefix: number): string {
  const four = isIPv4(address);
  const parts = four ? address.split('.').map(Number) : expanded(address);
  const size = four ? 8n : 16n;
  const bits = size * BigInt(parts.length);
  const value = parts.reduce((sum, part) => (sum << size) | BigInt(part), 0n);
  const kept = (value >> (bits - BigInt(prefix))) << (bits - BigInt(prefix));
  const mask = (1n << size) - 1n;
  const back = parts.map((_, i) => (kept >> (size * BigInt(parts.length - 1 - i))) & mask);
  return four ? back.join('.') : back.map((part) => part.toString(16)).join(':');
}

function expanded(address: string): number[] {
  const [head = '', tail] = address.split('::');
  const numbers = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((part) => Number.parseInt(part, 16));
  if (tail === undefined) return numbers(head);
  const [front, back] = [numbers(head), numbers(tail)];
  return [...front, ...Array.from({ length: 8 - front.length - back.length }, () => 0), ...back];
}

for (const [one, other, same] of [
  ['2001:db8::1', '2001:db8:0:0:ffff::', true],
  ['2001:db8::1', '2001:db8:0:1::1', false],
  ['::ffff:10.0.0.1', '::ffff:10.0.0.2', false],
  ['10.0.0.1', '10.0.0.2', false],
] as const) {
  test(`networkOf() takes ${one} and ${other} for ${same ? 'the same' : 'different'} networks`, () => {
    assert.equal(networkOf(one) === networkOf(other), same);
  });
}

test('cidrMatcher() judges an address the same however often and among however many others it is asked', () => {
  const inside = cidrMatcher(['10.1.0.0/16']);
  for (let i = 0; i < 3_000; i++) {
    assert.equal(inside(`10.1.${i >> 8}.${i & 255}`), true);
    assert.equal(inside(`10.2.${i >> 8}.${i & 255}`), false);
    assert.equal(inside('10.1.0.1'), true);
  }
});
