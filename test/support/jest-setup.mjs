import { expect } from '@jest/globals';

// Buffers are compared as memory. Jest goes through their bytes one by one, which took a tenth of some files' time.
expect.addEqualityTesters([
  (one, other) => (Buffer.isBuffer(one) && Buffer.isBuffer(other) ? one.equals(other) : undefined),
]);
