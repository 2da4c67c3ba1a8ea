import { type Timer } from '../../../common/clock.js';
import { messageOf } from '../../../common/errors.js';
import { ErrorCode } from '../../../protocol/error-codes.js';
import { Heartbeat } from '../../../protocol/messages/12-heartbeat.js';
import { type Coordinator, isWorthRetrying } from '../cluster/coordinator.js';
import { type ConsumerSettings } from './consumer-options.js';
import { type Generation } from './group-term.js';

// Beats for one generation, on the clock alone: no fetch, handler or drain is waited for. What an answer means for
// the membership is decided elsewhere; trouble with the coordinator is cured here by looking it up again.

export interface HeartbeatListener {
  /** The group answered with this code; beats go on only for REBALANCE_IN_PROGRESS. */
  onHeartbeatCode(code: number): void;
  onHeartbeatError(error: unknown): void;
  onDisconnected(reason: string): void;
}

export class Heartbeater {
  #generation: Generation | undefined;
  #timer: Timer | undefined;
  #dueAt = 0;
  #failures = 0;
  #answeredAt = 0;

  constructor(
    readonly coordinator: Coordinator,
    readonly settings: ConsumerSettings,
    readonly listener: HeartbeatListener,
  ) {}

  /** Ms since the group last confirmed the membership. */
  get silentForMs(): number {
    return this.settings.clock.monotonic() - this.#answeredAt;
  }

  begin(generation: Generation): void {
    this.end();
    this.#generation = generation;
    this.#failures = 0;
    this.#answeredAt = this.settings.clock.monotonic();
    this.#schedule(this.settings.heartbeatIntervalMs, generation);
  }

  /** No more beats; the answer to one under way is ignored. */
  end(): void {
    this.#generation = undefined;
    this.#timer?.cancel();
    this.#timer = undefined;
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
    const delayMs =
      this.#failures > 0
        ? Math.min(heartbeatIntervalMs, this.settings.backoff(this.#failures))
        : heartbeatIntervalMs - (clock.monotonic() - sentAt);
    this.#schedule(delayMs, generation);
  }

  async #send({ generationId, memberId, groupInstanceId }: Generation): Promise<boolean> {
    const generation = this.#generation;
    const { groupId, sessionTimeoutMs, requestTimeoutMs } = this.settings;
    // Three tries fit into a session: a broker that hangs must not use it up with one request.
    const timeoutMs = Math.min(requestTimeoutMs, Math.ceil(sessionTimeoutMs / 3));
    try {
      const request = { groupId, generationId, memberId, groupInstanceId };
      const { nodeId, response } = await this.coordinator.send(Heartbeat, 4, () => request, { timeoutMs });
      return this.#generation === generation && this.#answered(nodeId, response.errorCode);
    } catch (error) {
      return this.#generation === generation && this.#failed(error);
    }
  }

  #answered(nodeId: number, code: number): boolean {
    if (code === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS || this.coordinator.movedAway(nodeId, code)) {
      this.#failures++;
      return true;
    }
    this.#failures = 0;
    if (code === ErrorCode.NONE || code === ErrorCode.REBALANCE_IN_PROGRESS) {
      this.#answeredAt = this.settings.clock.monotonic();
    }
    if (code !== ErrorCode.NONE) this.listener.onHeartbeatCode(code);
    return code === ErrorCode.NONE || code === ErrorCode.REBALANCE_IN_PROGRESS;
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
