/** Makes bytes unreadable and unalterable for everyone without the key ring. One sealer serves one purpose. */
export interface Sealer {
  /** Text that is safe in a cookie or a URL (base64url). */
  seal(plain: Uint8Array): string;
  /** What was sealed, or `undefined` for anything that this sealer's purpose and keys did not make. Never throws. */
  open(text: string): Uint8Array | undefined;
}
