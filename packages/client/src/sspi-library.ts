/**
 * Windows' SSPI (secur32.dll) by koffi. Thin: it decides nothing. Not verified on Windows; only the layout of its
 * structures is tested.
 *
 * @module
 */
import { callAsync, copyOf, type Koffi, type Pointer } from './koffi.ts';

export interface SspiStep {
  /** A SECURITY_STATUS, as an unsigned number. */
  readonly status: number;
  /** To be deleted, where there is one. */
  readonly context: Pointer | null;
  readonly token: Uint8Array;
  /** ISC_RET_ flags. */
  readonly attributes: number;
}

/** The boundary to the library: what a test stands in for. */
export interface SspiLibrary {
  /** A handle to the credentials of whoever runs this process. */
  acquire(): Promise<{ readonly status: number; readonly credential: Pointer | null }>;
  initialize(
    credential: Pointer,
    context: Pointer | null,
    target: string,
    flags: number,
    input: Uint8Array | undefined,
  ): Promise<SspiStep>;
  deleteContext(context: Pointer): void;
  freeCredential(credential: Pointer): void;
}

/** The library of this machine; `undefined` where there is none. */
export function openSspiLibrary(koffi: Koffi): SspiLibrary | undefined {
  try {
    return bind(koffi);
  } catch {
    return undefined;
  }
}

const outbound = 2; // SECPKG_CRED_OUTBOUND
const native = 0x10; // SECURITY_NATIVE_DREP
const tokenType = 2; // SECBUFFER_TOKEN
const allocate = 0x100; // ISC_REQ_ALLOCATE_MEMORY

/** A SecBufferDesc with one SecBuffer in it. */
export interface TokenBuffer {
  readonly description: Pointer;
  /** What the SecBuffer has now. */
  read(): { readonly length: number; readonly value: Pointer | null };
  free(): void;
}

/** The structures of a token on its way in or out. */
export function tokenBuffers(koffi: Koffi): (bytes?: Uint8Array) => TokenBuffer {
  const secBuffer = koffi.struct({ cbBuffer: 'uint32_t', BufferType: 'uint32_t', pvBuffer: 'void *' });
  const secBufferDesc = koffi.struct({ ulVersion: 'uint32_t', cBuffers: 'uint32_t', pBuffers: 'void *' });
  return (bytes) => {
    // An allocation of nothing has no address.
    const data = bytes === undefined || bytes.length === 0 ? null : koffi.alloc('uint8_t', bytes.length);
    if (data !== null && bytes !== undefined) new Uint8Array(koffi.view(data, bytes.length)).set(bytes);
    const [one, description] = [koffi.alloc(secBuffer, 1), koffi.alloc(secBufferDesc, 1)];
    koffi.encode(one, secBuffer, { cbBuffer: bytes?.length ?? 0, BufferType: tokenType, pvBuffer: data });
    koffi.encode(description, secBufferDesc, { ulVersion: 0, cBuffers: 1, pBuffers: one });
    return {
      description,
      read() {
        const { cbBuffer, pvBuffer } = Object(koffi.decode(one, secBuffer));
        return { length: Number(cbBuffer), value: typeof pvBuffer === 'bigint' ? pvBuffer : null };
      },
      free() {
        for (const memory of [description, one, ...(data === null ? [] : [data])]) koffi.free(memory);
      },
    };
  };
}

function bind(koffi: Koffi): SspiLibrary {
  const library = koffi.load('secur32.dll');
  const [any, number, text] = ['void *', 'uint32_t', 'str16'];
  const acquire = library.func('AcquireCredentialsHandleW', number, [
    any,
    text,
    number,
    any,
    any,
    any,
    any,
    any, // the handle
    any, // when it ends
  ]);
  const initialize = library.func('InitializeSecurityContextW', number, [
    any,
    any,
    text,
    number,
    number,
    number,
    any, // input
    number,
    any, // new context
    any, // output
    koffi.out(koffi.pointer('uint32_t')), // attributes
    any, // when it ends
  ]);
  const deleteContext = library.func('DeleteSecurityContext', number, [any]);
  const freeCredential = library.func('FreeCredentialsHandle', number, [any]);
  const freeBuffer = library.func('FreeContextBuffer', number, [any]);
  const bufferOf = tokenBuffers(koffi);
  const handle = (): Pointer => koffi.alloc('uintptr_t', 2);

  return {
    async acquire() {
      const [credential, expiry] = [handle(), koffi.alloc('uint64_t', 1)];
      const status = await callAsync(acquire, null, 'Negotiate', outbound, null, null, null, null, credential, expiry);
      koffi.free(expiry);
      if (status === 0) return { status, credential };
      koffi.free(credential);
      return { status, credential: null };
    },
    async initialize(credential, before, target, flags, input) {
      const context = before ?? handle();
      const [expiry, output] = [koffi.alloc('uint64_t', 1), bufferOf()];
      const given = input === undefined ? undefined : bufferOf(input);
      const attributes: [number] = [0];
      const status = await callAsync(
        initialize,
        credential,
        before,
        target,
        flags | allocate,
        0,
        native,
        given?.description ?? null,
        0,
        context,
        output.description,
        attributes,
        expiry,
      );
      const { length, value } = output.read();
      const token = copyOf(koffi, value, length);
      if (value !== null) freeBuffer(value);
      output.free();
      given?.free();
      koffi.free(expiry);
      const none = before === null && status >= 0x8000_0000;
      if (none) koffi.free(context);
      return { status, context: none ? null : context, token, attributes: attributes[0] };
    },
    deleteContext(context) {
      deleteContext(context);
      koffi.free(context);
    },
    freeCredential(credential) {
      freeCredential(credential);
      koffi.free(credential);
    },
  };
}
