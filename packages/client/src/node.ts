/**
 * What the token client needs of Node: the system's own sign-in, and a cache in a file.
 *
 * @module
 */
export { type CurlOptions, curlNegotiate } from './curl.ts';
export { type FileCacheOptions, fileCache } from './file-cache.ts';
export { type SystemNegotiateOptions, systemNegotiate, type Way, ways } from './system-negotiate.ts';
