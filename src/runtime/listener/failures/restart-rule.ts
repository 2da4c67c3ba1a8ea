import { isRefusal } from '../../client/consumer-client.js';

// Which failures of a container are worth starting again, and when.

export interface RestartSettings {
  /** After the cluster refused login or rights. */
  readonly authRetryMs?: number | undefined;
  /** After a start that failed for any reason. */
  readonly startRetryMs?: number | undefined;
}

/** Ms until the next start; undefined: it stays as it is. */
export function restartAfter(cause: unknown, hadStarted: boolean, settings: RestartSettings): number | undefined {
  if (settings.authRetryMs !== undefined && isRefusal(cause)) return settings.authRetryMs;
  return hadStarted ? undefined : settings.startRetryMs;
}
