// Connections go by their names; the one that nobody named goes by this one.

/** Connection used where none is named. */
export const DEFAULT_CONNECTION = 'default';

/** What a connection's keys begin with: `kafka`, or `kafka.audit` for the connection `audit`. */
export function prefixOf(connection: string = DEFAULT_CONNECTION): string {
  return connection === DEFAULT_CONNECTION ? 'kafka' : `kafka.${connection}`;
}
