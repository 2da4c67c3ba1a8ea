import { Logger as NestLogger } from '@nestjs/common';
import { messageOf, NestdawError } from '../../common/errors.js';
import { type Logger } from '../../common/logger.js';

// Nest's logger behind our port. Errors of ours say everything in their message, so only foreign ones (a handler's,
// a library's) bring their stack.

export function nestLogger(context: string): Logger {
  const logger = new NestLogger(context);
  return {
    debug: (message) => logger.debug(message),
    log: (message) => logger.log(message),
    warn: (message) => logger.warn(message),
    error(message, error) {
      const stack = stackOf(error);
      if (stack === undefined) logger.error(message);
      else logger.error(message, stack);
    },
  };
}

/** The stack of an error and of what led to it; undefined where there is nothing to learn from it. */
export function stackOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const cause = error.cause === undefined ? undefined : (stackOf(error.cause) ?? undefined);
  if (error instanceof NestdawError) return cause;
  const own = error.stack ?? `${error.name}: ${messageOf(error)}`;
  return cause === undefined ? own : `${own}\ncaused by ${cause}`;
}
