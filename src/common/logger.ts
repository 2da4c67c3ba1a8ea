// The logger port. Nest's LoggerService and console both fit it.

export interface Logger {
  debug?(message: string, ...context: unknown[]): void;
  log(message: string, ...context: unknown[]): void;
  warn(message: string, ...context: unknown[]): void;
  error(message: string, ...context: unknown[]): void;
}

/** Says nothing. */
export const silentLogger: Logger = {
  log: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
