'use strict';
const { types } = require('node:util');
const { TestEnvironment } = require('jest-environment-node');

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
};
