'use strict';
const { AsyncLocalStorage } = require('node:async_hooks');
const { types } = require('node:util');
const { TestEnvironment } = require('jest-environment-node');

// One that has run stays in Node's list for good, and each promise pays for every one in it. A test file leaves some
// there, Jest's own first: after a hundred files a promise took fifty times as long as in the first.
const running = new Set();
const { run } = AsyncLocalStorage.prototype;
AsyncLocalStorage.prototype.run = function (...given) {
  running.add(this);
  return run.apply(this, given);
};

// Errors raised by Node's own modules (net, fs, zlib, worker_threads ...) belong to the outer realm, so inside
// Jest's VM context `err instanceof Error` is false for them. Teach the sandbox's base Error class, and only it,
// to recognise any native error.
module.exports = class extends TestEnvironment {
  async setup() {
    await super.setup();
    const SandboxError = this.global.Error;
    const ordinary = Function.prototype[Symbol.hasInstance];
    Object.defineProperty(SandboxError, Symbol.hasInstance, {
      configurable: true,
      value(candidate) {
        return ordinary.call(this, candidate) || (this === SandboxError && types.isNativeError(candidate));
      },
    });
  }

  async teardown() {
    await super.teardown();
    for (const storage of running) storage.disable();
    running.clear();
  }
};
