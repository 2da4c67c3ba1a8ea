import { type Logger } from '../common/logger.js';

// The broker's log with a level that can be changed while it runs: the one logger that Kafka's tools find here.

/** The one that says most first; TRACE says what DEBUG says, and FATAL what ERROR says. */
export const LOG_LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const ROOT_LOGGER = 'root';

export function isLogLevel(text: string): text is LogLevel {
  return (LOG_LEVELS as readonly string[]).includes(text);
}

export class RootLogger implements Logger {
  readonly #sink: Logger;
  #level: LogLevel;

  constructor(sink: Logger) {
    this.#sink = sink;
    this.#level = sink.debug ? 'DEBUG' : 'INFO';
  }

  get level(): LogLevel {
    return this.#level;
  }

  set level(level: LogLevel) {
    this.#level = level;
  }

  #says(level: LogLevel): boolean {
    return LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(this.#level);
  }

  debug(message: string, ...context: unknown[]): void {
    if (this.#says('DEBUG')) this.#sink.debug?.(message, ...context);
  }

  log(message: string, ...context: unknown[]): void {
    if (this.#says('INFO')) this.#sink.log(message, ...context);
  }

  warn(message: string, ...context: unknown[]): void {
    if (this.#says('WARN')) this.#sink.warn(message, ...context);
  }

  error(message: string, ...context: unknown[]): void {
    this.#sink.error(message, ...context);
  }
}
