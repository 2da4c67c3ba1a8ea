// The form of a row: one figure, measured for us and for a peer in turn.

export interface Row {
  /** Named by subject: `listener …`, `template …`, `broker …`. */
  readonly name: string;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  readonly peerName: string;
  /** Ratio asked for (above 1: ours is better). */
  readonly goal: number;
  /** What both sides run with: acks, sizes, counts. */
  readonly settings: string;
  /** Brings up what both sides share; undefined (with a reason printed) when the peer cannot be had here. */
  prepare(): Promise<Contest | undefined>;
}

/** A figure with others that explain it, by name and unit: `CPU s/GB`. */
export interface Measured {
  readonly value: number;
  readonly beside: Readonly<Record<string, number>>;
}

export interface Contest {
  ours(): Promise<number | Measured>;
  peer(): Promise<number | Measured>;
  close(): Promise<void>;
}
