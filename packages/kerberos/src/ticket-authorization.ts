/**
 * Authorization data of tickets and authenticators (RFC 4120, 5.2.6): what is understood, what may be passed over,
 * and what makes the whole message unacceptable.
 *
 * @module
 */

import { DerError } from './der.ts';
import { type AuthorizationElement, decodeAuthorizationData } from './messages/authorization-data.ts';
import { AuthDataType } from './numbers.ts';

/** What authorization data say that matters here. */
export interface ReadAuthorization {
  readonly kind: 'read';
  /** Every PAC found. A KDC writes one; more of them is for the caller to refuse. */
  readonly pacs: readonly Uint8Array[];
  /** The client says that it sends channel bindings wherever there is a channel (MS-KILE, 3.2.5.8). */
  readonly bindingsPromised: boolean;
}

/** What became of reading authorization data. */
export type AuthorizationFindings =
  | ReadAuthorization
  | { readonly kind: 'not-understood'; readonly type: number }
  | { readonly kind: 'malformed' };

/** KERB_AP_OPTIONS_CBT (MS-KILE, 3.2.5.8). */
const channelBindingTokens = 0x4000;

/**
 * Types that may stand outside AD-IF-RELEVANT. RFC 4120, 5.2.6: any other unknown element there makes authentication
 * fail. What a KDC issued (4) only adds to a client's rights, and what is mandatory for KDCs (8) is not addressed to us.
 */
const harmless: ReadonlySet<number> = new Set([
  AuthDataType.kdcIssued,
  AuthDataType.mandatoryForKdc,
  AuthDataType.etypeNegotiation,
]);

/** Looks through authorization data, and through AD-IF-RELEVANT one level deep, as every KDC and client nests it. */
export function readAuthorization(elements: readonly AuthorizationElement[] = []): AuthorizationFindings {
  const pacs: Uint8Array[] = [];
  let bindingsPromised = false;
  const look = ({ type, data }: AuthorizationElement): boolean => {
    if (type === AuthDataType.win2kPac) pacs.push(data);
    else if (type === AuthDataType.apOptions) bindingsPromised ||= promisesBindings(data);
    else return false;
    return true;
  };

  for (const element of elements) {
    if (element.type === AuthDataType.ifRelevant) {
      const inner = decodeElements(element.data);
      if (inner === undefined) return { kind: 'malformed' };
      inner.forEach(look);
    } else if (!look(element) && !harmless.has(element.type)) {
      return { kind: 'not-understood', type: element.type };
    }
  }
  return { kind: 'read', pacs, bindingsPromised };
}

function decodeElements(data: Uint8Array): readonly AuthorizationElement[] | undefined {
  try {
    return decodeAuthorizationData(data);
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

const promisesBindings = (data: Uint8Array): boolean =>
  data.length >= 4 && (new DataView(data.buffer, data.byteOffset, 4).getUint32(0, true) & channelBindingTokens) !== 0;
