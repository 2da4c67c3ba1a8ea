// Apache Kafka applies a change to topics or configs a moment after it has answered the one who asked for it.

/** Below the time that a case may take, so that nothing goes on asking after its end. */
const DEADLINE_MS = 4_500;

/** Between two questions, which would else keep a core busy that other cases wait for. */
const PAUSE_MS = 2;

/** Asks again until `check` no longer throws; its last error once the deadline has passed. */
export async function eventually<T>(check: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + DEADLINE_MS;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}
