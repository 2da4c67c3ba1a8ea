import { type Clock } from '../../common/clock.js';
import { type Logger } from '../../common/logger.js';

/** What everything of an application shares; known once its connections are. */
export interface RuntimeTools {
  clock: Clock;
  logger: Logger;
}
