/**
 * HTTP as a gateway sees it: data, and what is to be done about it. The engine
 * reads requests, asks a `Handler` for a verdict, carries the verdict out, and
 * reports how it ended.
 *
 * @module
 */
import type { Fields } from './fields.ts';
import type { PreparedFields } from './prepared-fields.ts';

export interface Connection {
  /** The peer's address as the socket (or the PROXY protocol) gives it, IPv4-mapped IPv6 written as IPv4. */
  readonly remoteAddress: string;
  readonly tls: boolean;
  /** Hash of our certificate for `tls-server-end-point` (RFC 5929), when this connection ends TLS here. */
  readonly certificateHash: Uint8Array | undefined;
  /** What the client has shown of itself in the TLS handshake, when the listener asks for it and this connection ends TLS here. */
  readonly clientCertificate?: ClientCertificate | undefined;
  /** A place for what belongs to this connection alone, such as an unfinished sign-in. */
  readonly memory: Map<string, unknown>;
}

/** A client's certificate. It says nothing about anybody unless it is `verified`. */
export interface ClientCertificate {
  /** The certificate itself (X.509, DER). */
  readonly der: Uint8Array;
  /** It chains to an authority that the listener names, for clients, and was valid at the handshake. */
  readonly verified: boolean;
  /** OpenSSL's word for what is wrong with one that is not verified. */
  readonly problem: string | undefined;
}

export interface RequestHead {
  readonly method: string;
  /** The request target exactly as received. */
  readonly target: string;
  readonly fields: Fields;
  readonly connection: Connection;
  /** This is a WebSocket opening handshake (RFC 6455, 4.1) by its fields, not yet judged. */
  readonly upgrade: boolean;
}

/** Whether the client of a request is still there. */
export interface Client {
  /** Fires when the client has gone. Made when it is first asked for: most verdicts need none. */
  readonly signal: AbortSignal;
}

/** A complete answer of our own. `Content-Length` and `Date` are the engine's to add. */
export interface Reply {
  readonly status: number;
  readonly fields: Fields;
  readonly body: string | Uint8Array;
  /** Close the connection afterwards. */
  readonly close?: boolean;
}

/** Where an app's requests go. Make one object per app and keep it: connections are pooled by it. */
export interface Upstream {
  /** `http://127.0.0.1:3000`, `https://app.internal:8443` or `unix:/run/app.sock`: an origin, without a path. */
  readonly origin: string;
  /** Further addresses that serve the same; requests go to the one with the fewest in progress. */
  readonly origins?: readonly string[] | undefined;
  /** PEM of the authority that an https upstream must chain to; default: the system's. */
  readonly ca: string | undefined;
  /** PEM of the certificate and key that we show to an https upstream. */
  readonly clientCertificate?: { readonly cert: string; readonly key: string } | undefined;
  readonly connectTimeoutMs: number;
  /** From the end of the request to the head of the response. Streams may then last for ever. */
  readonly responseTimeoutMs: number;
}

export type Verdict =
  | { readonly kind: 'reply'; readonly reply: Reply }
  /** One of our own endpoints: it gets the request as the Fetch standard has it, with at most `maxBody` bytes. */
  | { readonly kind: 'endpoint'; readonly maxBody: number; handle(request: Request): Promise<Response> }
  | Inspection
  | Forward;

/** The content decides as well: it is read whole before anything goes on, and then judged. */
export interface Inspection {
  readonly kind: 'inspect';
  /** Longer content is not held. */
  readonly maxBytes: number;
  /** Whose content it is: nobody's takes all that may be held (`heldBytes`). Absent: nobody's in particular. */
  readonly holder?: string | undefined;
  /**
   * Called once, when all content is there, at once where it can judge at once. Chunks have been put together, and a content
   * coding is still on it; a request without content has none of it. A `forward` goes out with exactly these bytes, framed
   * as they came, and is told its end also when the client has left meanwhile. They must not be changed.
   */
  judge(content: Uint8Array): Judgement | Promise<Judgement>;
  /**
   * Called in the place of `judge`: what the client gets for content over `maxBytes` (a 413), or when all connections
   * together hold as much as they may (`heldBytes`; a 503 with `Retry-After`).
   */
  refuse(why: 'too-large' | 'no-room'): Reply;
  /** Called in the place of both, when the content does not come: with the status that the client got, 499 if it got none. */
  abandoned?(status: number): void;
}

/** A verdict when the content is known as well. */
export type Judgement = { readonly kind: 'reply'; readonly reply: Reply } | Forward;

export interface Forward {
  readonly kind: 'forward';
  readonly upstream: Upstream;
  /** The canonical target: what policy judged is what the upstream gets. */
  readonly target: string;
  /**
   * All end-to-end fields for the upstream, `Host` included, hop-by-hop fields already gone. Framing (`Content-Length`,
   * `Transfer-Encoding`) and what asks for an upgrade (`Connection`, `Upgrade`) are written by the engine, whatever is here.
   */
  readonly fields: Fields;
  /** More of them, that many requests have: they stand in front of `fields`. */
  readonly prepared?: readonly PreparedFields[] | undefined;
  /** Fields to add to the response, a 101 included, e.g. `Set-Cookie`, `WWW-Authenticate`. They replace nothing. */
  readonly responseFields: Fields;
  /**
   * `prepared` is one block of the fields as they were received (`prepareAsReceived`), which frames the content as well, and
   * the response gets no `Date` that it does not have.
   */
  readonly asReceived?: boolean;
  /**
   * The client's connection brings requests of several people, as a proxy's does: what one of them proves over an upstream
   * connection must not hold for the next. Asked only when somebody does.
   */
  readonly sharedClient?: boolean;
  /** Which of the request's trailer fields go on. Without it none does: a trailer can forge what the header was cleaned of. */
  requestTrailers?(trailers: Fields): Fields;
  /**
   * What of the upstream's fields goes on to the client, with interim answers and a 101 as well. Without it all do. It must
   * follow from fields and status alone: for the same ones it may not be asked again.
   */
  readonly upstreamFields?: ((this: void, fields: Fields, status: number) => Fields) | undefined;
  /**
   * Called once, when the upstream has accepted an upgrade. What it gives back is told the end in the place of `ended`: a
   * verdict is not kept for as long as its tunnel is open.
   */
  opened?(tunnel: Tunnel): ((completion: Completion) => void) | undefined;
  /**
   * Called once for a response that lasts: for an event stream (`text/event-stream`) before its head goes out, for any other
   * request that is still under way after a second or two. A reply goes to the client in the place of an event stream,
   * which is given up then; in other cases it is not looked at.
   */
  lasts?(response: LastingResponse): Reply | undefined;
  /**
   * Called once for an answer of the upstream, when its head goes on, with status and fields as the upstream gave them; not
   * for interim answers, a 101, or a reply in its place. What it gives sees the content.
   */
  readonly tap?: ((this: void, status: number, fields: Fields) => Tap | undefined) | undefined;
  /** Called once, however it ends, except for a tunnel whose `opened` has named somebody else. */
  ended?(completion: Completion): void;
}

/**
 * Sees the content of a response when it has been written to the client. It changes nothing and holds nothing up; one that
 * throws is reported and hears nothing more, and the response goes on.
 */
export interface Tap {
  /**
   * The next bytes of the content, in order: transfer codings are off, content codings on. The memory is used again as soon
   * as this returns: what is kept is copied. They must not be changed.
   */
  content(bytes: Uint8Array): void;
  /**
   * The last call, before `Forward.ended`. `complete`: the client has got all of it. `cancelled`: the client has left. `cut`:
   * the upstream failed, or we ended it.
   */
  end(how: 'complete' | 'cut' | 'cancelled'): void;
}

export interface Tunnel {
  /** Ends both sides at once. `reason` comes back in the completion. */
  destroy(reason: string): void;
  /** Puts a WebSocket Close with this code (RFC 6455, 7.4) between two frames of either side, and ends soon after. */
  close(code: number, reason: string): void;
}

/** A response for as long as it is under way. */
export interface LastingResponse {
  readonly eventStream: boolean;
  /**
   * Ends it so that nobody takes it for complete; `reason` comes back in the completion. Where not even a head has gone out,
   * the client gets `instead`. Does nothing when it is over.
   */
  cut(reason: string, instead: () => Reply): void;
}

export interface Completion {
  /** Status sent to the client; 101 for a tunnel; 499 when the client left before any. */
  readonly status: number;
  readonly durationMs: number;
  /** Content, or what went through the tunnel; heads do not count. */
  readonly bytesToClient: number;
  readonly bytesToUpstream: number;
  /** `complete` for a tunnel: one side ended it in order. `shutdown`: we ended it. */
  readonly end: 'complete' | 'client-gone' | 'upstream-failed' | 'shutdown';
  /** Only for `upstream-failed`. */
  readonly failure: UpstreamFailure | undefined;
  /**
   * For a tunnel: `client` or `upstream`, whoever ended it first, else the reason we gave (`Tunnel.destroy`). For a
   * response: the reason with which it was cut, if it was.
   */
  readonly closedBy: string | undefined;
}

export interface UpstreamFailure {
  readonly code:
    | 'connect-refused'
    | 'connect-timeout'
    | 'response-timeout'
    | 'reset'
    | 'tls'
    | 'name'
    | 'protocol'
    | 'other';
  /** For the administrator; names the upstream, contains no request data. */
  readonly detail: string;
}

export interface Handler {
  /** Judges one request, at once where it can. It never rejects for what a client can cause; a rejection is a bug and becomes 500. */
  decide(head: RequestHead, client: Client): Verdict | Promise<Verdict>;
  /** The page or JSON for an upstream failure before a response began (502 or 504). `verdict` is what `decide` gave. */
  upstreamFailed(head: RequestHead, failure: UpstreamFailure, verdict: Forward): Reply;
  /** The reply for a request that breaks HTTP (400, 431, 413, 408 ...). `head` is absent when it could not be read. */
  badRequest(status: number, detail: string): Reply;
}
