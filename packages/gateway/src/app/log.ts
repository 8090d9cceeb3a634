import { type Logger, type LoggerOptions, pino } from 'pino';

/** Lines of JSON, with the level as a word and the time as ISO 8601 has it. */
export const logFormat = (level: string): LoggerOptions => ({
  level,
  base: null,
  formatters: { level: (label) => ({ level: label }) },
  timestamp: pino.stdTimeFunctions.isoTime,
});

/** On standard error. */
export const standardLog = (level: string): Logger => pino(logFormat(level), pino.destination(2));

/** What most parts want of a log: a place for what has gone wrong. */
export type OnTrouble = (message: string, cause?: unknown) => void;

export const troubleLog =
  (log: Logger): OnTrouble =>
  (message, cause) =>
    log.error({ err: cause }, message);

/** Writes a line of another thread's log into this one. The time is when it arrives, a moment later. */
export function replayLine(log: Logger, line: string): void {
  const { level, msg, time: _, ...details }: Record<string, unknown> = JSON.parse(line);
  const words = typeof msg === 'string' ? msg : '';
  switch (level) {
    case 'error':
      return log.error(details, words);
    case 'warn':
      return log.warn(details, words);
    case 'debug':
      return log.debug(details, words);
    default:
      return log.info(details, words);
  }
}
