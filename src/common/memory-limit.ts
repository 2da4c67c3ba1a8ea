import { totalmem } from 'node:os';

/** Bytes that this process may use: the limit of its container where there is one, else the machine's memory. */
export function memoryLimit(): number {
  const constrained = process.constrainedMemory();
  // Without a limit Node gives 0, undefined, or a number beyond what any machine has, depending on its version.
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}
