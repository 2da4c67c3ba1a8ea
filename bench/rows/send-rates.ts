import { type KafkaTemplate } from 'nestdaw';
import { type Measured } from '../row.js';

// How fast sends go: single ones of so many callers, and a loop that waits for none of them.

/** Of the sender's process, all its threads. */
export const CPU = 'CPU µs/record';

export const keyOf = (i: number) => `key-${i % 1000}`;

/** Calls `send` `count` times, `outstanding` at once; sends per second, and what each took. */
export async function rate(
  send: (i: number) => Promise<unknown>,
  outstanding: number,
  count: number,
): Promise<Measured> {
  const times = new Float64Array(count);
  const started = performance.now();
  let next = 0;
  await Promise.all(
    Array.from({ length: outstanding }, async () => {
      while (next < count) {
        const i = next++;
        const from = performance.now();
        await send(i);
        times[i] = performance.now() - from;
      }
    }),
  );
  const value = (count / (performance.now() - started)) * 1000;
  times.sort();
  const at = (share: number) => times[Math.floor((count - 1) * share)]!;
  return { value, beside: { 'p50 ms': at(0.5), 'p99 ms': at(0.99) } };
}

/** Every send without waiting for it, as far as the template is ready; then all acknowledgments. */
export async function sendUnawaited(
  template: KafkaTemplate<string>,
  topic: string,
  value: string,
  count: number,
): Promise<void> {
  const sent: Array<Promise<unknown>> = [];
  for (let i = 0; i < count; i++) {
    if (!template.isReady) await template.ready();
    sent.push(template.send(topic, keyOf(i), value));
  }
  await Promise.all(sent);
}
