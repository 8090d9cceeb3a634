/**
 * Where the first response in `received` (latin1) ends; `undefined` when there is more to come. For a client that asks
 * one thing at a time and servers it trusts: chunks are told by the last one, which must then end what was received.
 */
export function endOfResponse(received: string): number | undefined {
  const head = received.indexOf('\r\n\r\n');
  if (head < 0) return undefined;
  const fields = received.slice(0, head);
  const body = head + 4;
  if (/\r\ntransfer-encoding: *chunked/i.test(fields))
    return received.endsWith('0\r\n\r\n') && /(?:^|\r\n)0\r\n\r\n$/.test(received.slice(body))
      ? received.length
      : undefined;
  const length = /\r\ncontent-length: *(\d+)/i.exec(fields)?.[1];
  const end = body + Number(length ?? 0);
  return received.length >= end ? end : undefined;
}

/** The cookies that a response sets, as a client sends them back in `Cookie`. */
export function cookiesOf(response: string): string {
  const head = response.slice(0, response.indexOf('\r\n\r\n') + 2);
  return [...head.matchAll(/\r\nset-cookie: *([^;\r]+)/gi)].map(([, pair = '']) => pair).join('; ');
}
