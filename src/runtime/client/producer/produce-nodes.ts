import { type Backoff } from '../../../common/backoff.js';
import { type Clock } from '../../../common/clock.js';
import { Produce } from '../../../protocol/messages/00-produce.js';
import { type Cluster } from '../cluster/cluster.js';

// What the sender knows of each node: how many requests it has open, which version it takes, and until when it is to
// be left alone.

export interface ProduceNode {
  readonly nodeId: number;
  inFlight: number;
  /** Of Produce; undefined until asked, and after a broken connection, since the node may come back as another. */
  version: number | undefined;
}

interface State extends ProduceNode {
  isAskingVersion: boolean;
  /** Monotonic time before which nothing is sent: throttled by the broker, or not reachable. */
  mutedUntil: number;
  failures: number;
  /** Monotonic time since when it takes nothing of what is ready for it. */
  refusesSince: number | undefined;
}

export interface ProduceNodesOptions {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly backoff: Backoff;
  readonly maxInFlight: number;
  /** Something may be sent now that could not before. */
  readonly onChange: () => void;
  readonly onUnreachable: (error: Error) => void;
}

/** From 13 on Produce names topics by id. */
const HIGHEST_VERSION = 12;
/** A timer may fire this much before its time. */
const TIMER_SLACK_MS = 2;

export class ProduceNodes {
  readonly #options: ProduceNodesOptions;
  readonly #nodes = new Map<number, State>();

  constructor(options: ProduceNodesOptions) {
    this.#options = options;
  }

  /** The node when it takes a request now; it is asked for its versions first. */
  available(nodeId: number, now: number): ProduceNode | undefined {
    let node = this.#nodes.get(nodeId);
    if (!node) {
      node = newState(nodeId);
      this.#nodes.set(nodeId, node);
    }
    node.refusesSince = this.#takes(node, now) ? undefined : (node.refusesSince ?? now);
    return node.refusesSince === undefined ? node : undefined;
  }

  /**
   * Whether the node has taken nothing of what was ready for it for longer than this (KIP-794). Asking tries the node
   * again, since what was ready may have been given up meanwhile.
   */
  refusesLongerThan(ms: number, nodeId: number, now: number): boolean {
    const since = this.#nodes.get(nodeId)?.refusesSince;
    return since !== undefined && now - since > ms && this.available(nodeId, now) === undefined;
  }

  #takes(node: State, now: number): boolean {
    if (now < node.mutedUntil || node.inFlight >= this.#options.maxInFlight) return false;
    if (node.version === undefined) this.#askVersion(node);
    return node.version !== undefined;
  }

  mute(nodeId: number, ms: number): void {
    const node = this.#nodes.get(nodeId);
    if (!node) return;
    const { clock, onChange } = this.#options;
    node.mutedUntil = Math.max(node.mutedUntil, clock.monotonic() + ms);
    clock.schedule(ms, () => {
      if (node.mutedUntil - clock.monotonic() > TIMER_SLACK_MS) return; // muted longer meanwhile
      node.mutedUntil = 0;
      onChange();
    });
  }

  #askVersion(node: State): void {
    if (node.isAskingVersion) return;
    node.isAskingVersion = true;
    const { cluster, backoff, onChange, onUnreachable } = this.#options;
    cluster.versionOf(node.nodeId, Produce, HIGHEST_VERSION).then(
      (version) => {
        node.isAskingVersion = false;
        node.version = version;
        node.failures = 0;
        onChange();
      },
      (error: unknown) => {
        node.isAskingVersion = false;
        this.mute(node.nodeId, backoff(++node.failures));
        onUnreachable(error as Error);
      },
    );
  }
}

function newState(nodeId: number): State {
  return {
    nodeId,
    inFlight: 0,
    version: undefined,
    isAskingVersion: false,
    mutedUntil: 0,
    failures: 0,
    refusesSince: undefined,
  };
}
