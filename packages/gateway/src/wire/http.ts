/**
 * HTTP as the pipeline sees it: data, without any server library's classes. The
 * types are those of the engine that carries verdicts out.
 *
 * @module
 */
export type {
  Client,
  ClientCertificate,
  Completion,
  Connection,
  Forward,
  Handler,
  Inspection,
  Judgement,
  LastingResponse,
  Reply,
  RequestHead,
  Tap,
  Tunnel,
  Upstream,
  UpstreamFailure,
  Verdict,
} from '@cardea/http1';
