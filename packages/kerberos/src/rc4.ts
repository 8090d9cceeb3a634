/**
 * The RC4 stream cipher: encryption and decryption are the same. Written out because OpenSSL 3 has it only in its
 * legacy provider, which Node does not load.
 */
export function rc4(key: Uint8Array, data: Uint8Array): Uint8Array {
  const state = Uint8Array.from({ length: 256 }, (_, i) => i);
  const swap = (i: number, j: number): number => {
    const [a, b] = [state[i] ?? 0, state[j] ?? 0];
    state[i] = b;
    state[j] = a;
    return a + b;
  };
  for (let i = 0, j = 0; i < 256; i++) {
    j = (j + (state[i] ?? 0) + (key[i % key.length] ?? 0)) & 0xff;
    swap(i, j);
  }
  const out = new Uint8Array(data.length);
  for (let n = 0, i = 0, j = 0; n < data.length; n++) {
    i = (i + 1) & 0xff;
    j = (j + (state[i] ?? 0)) & 0xff;
    out[n] = (data[n] ?? 0) ^ (state[swap(i, j) & 0xff] ?? 0);
  }
  return out;
}
