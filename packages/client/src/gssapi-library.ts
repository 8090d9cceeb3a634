/**
 * The system's GSSAPI (RFC 2744) by koffi: MIT Kerberos on Linux, Heimdal on macOS. Thin: it decides nothing.
 *
 * @module
 */
import { callAsync, copyOf, type Koffi, type Pointer } from './koffi.ts';

/** SPNEGO is what goes over the wire; Kerberos alone says clearer why it fails. */
export type GssMechanism = 'spnego' | 'krb5';

export interface GssStep {
  readonly major: number;
  readonly minor: number;
  /** To be released, also after a failure. */
  readonly context: Pointer | null;
  readonly token: Uint8Array;
  readonly flags: number;
}

/** The boundary to the library: what a test stands in for. */
export interface GssLibrary {
  /** A name of the form `HTTP@host`. */
  importName(text: string): Promise<{ readonly major: number; readonly minor: number; readonly name: Pointer | null }>;
  initSecContext(
    context: Pointer | null,
    name: Pointer | null,
    mechanism: GssMechanism,
    flags: number,
    input: Uint8Array | undefined,
  ): Promise<GssStep>;
  /** What the library says about a status. */
  describe(code: number, kind: 'major' | 'minor', mechanism: GssMechanism): string;
  releaseName(name: Pointer): void;
  deleteContext(context: Pointer): void;
}

const linuxNames = ['libgssapi_krb5.so.2', 'libgssapi.so.3'];
const macName = '/System/Library/Frameworks/GSS.framework/GSS';

/** The library of this machine; `undefined` where there is none. */
export function openGssLibrary(koffi: Koffi, platform: string = process.platform): GssLibrary | undefined {
  for (const path of platform === 'darwin' ? [macName] : linuxNames) {
    try {
      return bind(koffi, path, platform);
    } catch {
      // Not here: another name may be.
    }
  }
  return undefined;
}

interface Buffer2744 {
  readonly length: number | bigint;
  readonly value: Pointer | null;
}

function bind(koffi: Koffi, path: string, platform: string): GssLibrary {
  const library = koffi.load(path);
  const buffer = koffi.struct({ length: 'size_t', value: 'void *' });
  const [anyPointer, bufferPointer] = ['void *', koffi.pointer(buffer)];
  const [number, outNumber] = ['uint32_t', koffi.out(koffi.pointer('uint32_t'))];
  const [outPointer, inoutPointer] = [koffi.out(koffi.pointer(anyPointer)), koffi.inout(koffi.pointer(anyPointer))];
  const outBuffer = koffi.out(bufferPointer);

  // Some of Apple's headers pack this struct: there, its own constants are taken instead.
  const packed = platform === 'darwin';
  const oidType = packed ? anyPointer : koffi.pointer(koffi.struct({ length: 'uint32_t', elements: 'uint8_t *' }));
  const oid = (symbol: string, ...bytes: readonly number[]): unknown =>
    packed ? library.symbol(symbol) : { length: bytes.length, elements: Uint8Array.from(bytes) };
  const krb5Arc = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02];
  const hostBased = oid('__gss_c_nt_hostbased_service_oid_desc', ...krb5Arc, 0x01, 0x04);
  const mechanisms = {
    spnego: oid('__gss_spnego_mechanism_oid_desc', 0x2b, 0x06, 0x01, 0x05, 0x05, 0x02),
    krb5: oid('__gss_krb5_mechanism_oid_desc', ...krb5Arc, 0x02),
  };

  const importName = library.func('gss_import_name', number, [outNumber, bufferPointer, oidType, outPointer]);
  const init = library.func('gss_init_sec_context', number, [
    outNumber,
    anyPointer, // credential: the default one
    inoutPointer,
    anyPointer,
    oidType,
    number,
    number,
    anyPointer, // channel bindings
    bufferPointer,
    anyPointer, // actual mechanism
    outBuffer,
    outNumber,
    anyPointer, // lifetime
  ]);
  const display = library.func('gss_display_status', number, [
    outNumber,
    number,
    'int',
    oidType,
    koffi.inout(koffi.pointer('uint32_t')),
    outBuffer,
  ]);
  const releaseBuffer = library.func('gss_release_buffer', number, [outNumber, koffi.inout(bufferPointer)]);
  const releaseName = library.func('gss_release_name', number, [outNumber, inoutPointer]);
  const deleteContext = library.func('gss_delete_sec_context', number, [outNumber, inoutPointer, anyPointer]);

  const take = (from: readonly [Buffer2744]): Uint8Array => {
    const bytes = copyOf(koffi, from[0].value, from[0].length);
    releaseBuffer([0], from);
    return bytes;
  };
  const emptyBuffer = (): [Buffer2744] => [{ length: 0, value: null }];
  const bufferOf = (bytes: Uint8Array): object => ({ length: bytes.length, value: bytes });

  return {
    async importName(text) {
      const [minor, name]: [[number], [Pointer | null]] = [[0], [null]];
      const major = await callAsync(importName, minor, bufferOf(new TextEncoder().encode(text)), hostBased, name);
      return { major, minor: minor[0], name: name[0] };
    },
    async initSecContext(before, name, mechanism, flags, input) {
      const [minor, context, actual]: [[number], [Pointer | null], [number]] = [[0], [before], [0]];
      const output = emptyBuffer();
      const given = input === undefined ? null : bufferOf(input);
      const oidOf = mechanisms[mechanism];
      const major = await callAsync(
        init,
        minor,
        null,
        context,
        name,
        oidOf,
        flags,
        0,
        null,
        given,
        null,
        output,
        actual,
        null,
      );
      return { major, minor: minor[0] | 0, context: context[0], token: take(output), flags: actual[0] };
    },
    describe(code, kind, mechanism) {
      const output = emptyBuffer();
      display([0], code, kind === 'major' ? 1 : 2, mechanisms[mechanism], [0], output);
      return new TextDecoder().decode(take(output));
    },
    releaseName: (name) => void releaseName([0], [name]),
    deleteContext: (context) => void deleteContext([0], [context], null),
  };
}
