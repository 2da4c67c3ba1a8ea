// The form of a proof: a long-running check that ends with one line of figures.

export interface ProofContext {
  /** How often to repeat what the proof repeats. */
  readonly cycles: number;
  /** Stop after this many seconds even if cycles are left; Infinity without a limit. */
  readonly seconds: number;
  readonly seed: number;
  /** What was named behind the proof: parts of it to run. Default all. */
  readonly names?: readonly string[];
  /** Shows what is going on; overwritten in a terminal. */
  readonly progress: (text: string) => void;
}

export interface ProofResult {
  readonly passed: boolean;
  /** One line: what was done and what was found. */
  readonly figures: string;
  /** What went wrong, when something did. */
  readonly details?: readonly string[];
}

export interface Proof {
  readonly name: string;
  readonly summary: string;
  readonly defaultCycles: number;
  run(context: ProofContext): Promise<ProofResult>;
}
