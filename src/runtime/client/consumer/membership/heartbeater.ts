import { type Timer } from '../../../../common/clock.js';
import { messageOf } from '../../../../common/errors.js';
import { ErrorCode } from '../../../../protocol/error-codes.js';
import { Heartbeat } from '../../../../protocol/messages/12-heartbeat.js';
import { type Coordinator, isWorthRetrying } from '../../cluster/coordinator.js';
import { type ConsumerSettings } from '../consumer-options.js';
import { type Generation } from './group-term.js';

// Beats for one generation, on the clock alone: no fetch, handler or drain is waited for. What an answer means for
// the membership is decided elsewhere; trouble with the coordinator is cured here by looking it up again.
//
// The session ends by this member's own clock, too: a group that has not heard of it for that long gives its partitions
// away, and who is cut off is told by nobody. It counts from when the last confirmed beat was sent, which is before the
// coordinator's own count begins: here it ends first.

export interface HeartbeatListener {
  /** The group answered with this code; beats go on only for REBALANCE_IN_PROGRESS. */
  onHeartbeatCode(code: number): void;
  onHeartbeatError(error: unknown): void;
  /** Nothing was confirmed for as long as the session lasts. */
  onSessionExpired(silentForMs: number): void;
  onDisconnected(reason: string): void;
}

/** Before the first beat of a generation that soon ends; each wait is twice the one before. */
const FIRST_MS = 20;

export class Heartbeater {
  #generation: Generation | undefined;
  #isCrossing = false;
  #timer: Timer | undefined;
  #dueAt = 0;
  #intervalMs = 0;
  #failures = 0;
  #expiry: Timer | undefined;
  /** When the beat was sent that the group confirmed last. */
  #confirmedAt = 0;

  constructor(
    readonly coordinator: Coordinator,
    readonly settings: ConsumerSettings,
    readonly listener: HeartbeatListener,
    /** The same coordinator over other connections. */
    readonly spare: Coordinator,
  ) {}

  /** Ms since the group last confirmed the membership. */
  get silentForMs(): number {
    return this.settings.clock.monotonic() - this.#confirmedAt;
  }

  /** Moment of the monotonic clock; never while there are no beats. */
  get sessionEndsAt(): number {
    return this.#generation ? this.#confirmedAt + this.settings.sessionTimeoutMs : Number.POSITIVE_INFINITY;
  }

  /** `endsSoon`: another rebalance is expected, and the sooner it is heard of the sooner it is over. */
  begin(generation: Generation, endsSoon: boolean): void {
    this.end();
    this.#isCrossing = false;
    this.#generation = generation;
    this.#failures = 0;
    this.#confirmedAt = this.settings.clock.monotonic();
    const { heartbeatIntervalMs } = this.settings;
    this.#intervalMs = endsSoon ? Math.min(FIRST_MS, heartbeatIntervalMs) : heartbeatIntervalMs;
    this.#schedule(this.#intervalMs, generation);
    this.#watchSession();
  }

  /**
   * The member joins again and goes on with what it has. Its join may wait for long, and holds up the connection: beats
   * take another one. Being told that the generation has passed is a sign of life as well.
   */
  cross(): void {
    this.#isCrossing = true;
  }

  /** No more beats; the answer to one under way is ignored. */
  end(): void {
    this.#generation = undefined;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#expiry?.cancel();
    this.#expiry = undefined;
  }

  #watchSession(): void {
    const { clock } = this.settings;
    const leftMs = this.sessionEndsAt - clock.monotonic();
    if (leftMs <= 0) this.listener.onSessionExpired(this.silentForMs);
    else this.#expiry = clock.schedule(Math.ceil(leftMs), () => this.#watchSession());
  }

  #schedule(delayMs: number, generation: Generation): void {
    const { clock } = this.settings;
    this.#dueAt = clock.monotonic() + delayMs;
    this.#timer = clock.schedule(delayMs, () => void this.#beat(generation));
  }

  async #beat(generation: Generation): Promise<void> {
    const { clock, heartbeatIntervalMs } = this.settings;
    const sentAt = clock.monotonic();
    this.#warnWhenLate(sentAt - this.#dueAt);
    const beatsOn = await this.#send(generation);
    if (!beatsOn || this.#generation !== generation) return;
    this.#intervalMs = Math.min(this.#intervalMs * 2, heartbeatIntervalMs);
    const delayMs =
      this.#failures > 0
        ? Math.min(heartbeatIntervalMs, this.settings.backoff(this.#failures))
        : this.#intervalMs - (clock.monotonic() - sentAt);
    this.#schedule(delayMs, generation);
  }

  async #send({ generationId, memberId, groupInstanceId }: Generation): Promise<boolean> {
    const generation = this.#generation;
    const { groupId, sessionTimeoutMs, requestTimeoutMs } = this.settings;
    // Three tries fit into a session: a broker that hangs must not use it up with one request.
    const timeoutMs = Math.min(requestTimeoutMs, Math.ceil(sessionTimeoutMs / 3));
    const sentAt = this.settings.clock.monotonic();
    try {
      const request = { groupId, generationId, memberId, groupInstanceId };
      const coordinator = this.#isCrossing ? this.spare : this.coordinator;
      const { nodeId, response } = await coordinator.send(Heartbeat, 4, () => request, { timeoutMs });
      return (
        this.#generation === generation &&
        this.#answered(coordinator.movedAway(nodeId, response.errorCode), response.errorCode, sentAt)
      );
    } catch (error) {
      return this.#generation === generation && this.#failed(error);
    }
  }

  #answered(hasMoved: boolean, code: number, sentAt: number): boolean {
    if (code === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS || hasMoved) {
      this.#failures++;
      return true;
    }
    this.#failures = 0;
    const isAlive =
      code === ErrorCode.NONE ||
      code === ErrorCode.REBALANCE_IN_PROGRESS ||
      (code === ErrorCode.ILLEGAL_GENERATION && this.#isCrossing);
    if (isAlive) this.#confirmedAt = sentAt;
    if (code !== ErrorCode.NONE) this.listener.onHeartbeatCode(code);
    return isAlive;
  }

  #failed(error: unknown): boolean {
    if (!isWorthRetrying(error)) {
      this.listener.onHeartbeatError(error);
      return false;
    }
    this.#failures++;
    if (this.#failures === 1) this.listener.onDisconnected(`heartbeat: ${messageOf(error)}`);
    return true;
  }

  #warnWhenLate(lateMs: number): void {
    const { sessionTimeoutMs, groupId, logger } = this.settings;
    if (lateMs < sessionTimeoutMs / 3) return;
    logger.warn(
      `heartbeat of group '${groupId}' was ${Math.round(lateMs)} ms late (session.timeout.ms=${sessionTimeoutMs}): ` +
        'something holds the event loop; move CPU-bound handlers to threads',
    );
  }
}
