/**
 * A shared store cannot tell: it is down, slow, full or refuses. The message names the store and the cause in words, never a
 * credential or anything stored; there is no `cause`, because a client library's own errors carry the arguments of commands.
 */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
}
