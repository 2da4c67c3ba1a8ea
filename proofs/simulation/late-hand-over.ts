import { type Clock, sleep } from '../../src/common/clock.js';
import { type ConsumerClient } from '../../src/runtime/client/consumer-client.js';

// A client between which and its container lies something that takes time, as another thread does: what a poll has
// taken arrives when the group may have moved on.

/** `latenessMs` is asked for each poll; the poll's signal ends the delay. */
export function handingOverLate(client: ConsumerClient, latenessMs: () => number, clock: Clock): ConsumerClient {
  const poll: ConsumerClient['poll'] = async (options) => {
    const records = await client.poll(options);
    const delayMs = records.length === 0 ? 0 : latenessMs();
    if (delayMs > 0) await sleep(clock, delayMs, options.signal);
    return records;
  };
  return new Proxy(client, {
    get(target, name) {
      if (name === 'poll') return poll;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
