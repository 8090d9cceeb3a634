/** An error of the operating system, as Node tells it. */
export interface SystemError extends Error {
  readonly syscall: string;
  readonly code?: string;
}

/** Whether the operating system refused something: the administrator can do something about it. */
export const isSystemError = (error: unknown): error is SystemError =>
  error instanceof Error && 'syscall' in error && typeof error.syscall === 'string';

const listening: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program, or another Cardea, has this port',
  EACCES: 'this user may not use this port; ports below 1024 need CAP_NET_BIND_SERVICE or root',
  EADDRNOTAVAIL: 'this machine does not have this address',
};

/** What went wrong, for an administrator, with the system's own word for it at the end. */
export function systemErrorText({ message, syscall, code = '' }: SystemError): string {
  const address = /^listen \S+: .* (\S+:\d+|\S*\/\S+)$/.exec(message)?.[1];
  const listenReason = listening[code];
  if (syscall === 'listen' && address !== undefined && listenReason !== undefined)
    return `cannot listen on ${address}: ${listenReason} (${code})`;
  return message;
}
