import { type Contest } from './row.js';
import { SpringPeer } from './spring-peer.js';

// A contest with a program of bench/spring/, on a broker that both sides share.

/** Compilers on both sides take a few rounds more than the one that is not counted. */
const WARM_UP = 2;

export interface SpringContest {
  readonly broker: { stop(): Promise<void> };
  /** What the peer is started with. */
  readonly program: Parameters<typeof SpringPeer.start>;
  /** The line that one run of the peer is asked for with. */
  readonly question: () => string;
  readonly ours: Contest['ours'];
  /** Rounds before those that are measured. Default 2. */
  readonly warmUp?: number;
}

/** Undefined, the broker ended, where the peer cannot be had. */
export async function springContest(given: SpringContest): Promise<Contest | undefined> {
  const { broker, program, question, ours, warmUp = WARM_UP } = given;
  const spring = await SpringPeer.start(...program);
  if (!spring) {
    await broker.stop();
    return undefined;
  }
  const peer = () => spring.ask(question());
  for (let round = 0; round < warmUp; round++) {
    await ours();
    await peer();
  }
  return {
    ours,
    peer,
    async close() {
      await spring.stop();
      await broker.stop();
    },
  };
}
