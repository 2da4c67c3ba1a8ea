/** @type {import('jest').Config} */
export default {
  testEnvironment: '<rootDir>/test/support/jest-environment.cjs',
  globalSetup: '<rootDir>/test/support/jest-global-setup.mjs',
  setupFilesAfterEnv: ['<rootDir>/test/support/jest-setup.mjs'],
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts', '**/*.conformance.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  resolver: '<rootDir>/test/support/jest-resolver.cjs',
  // Worker threads run the compiled build, so `#here` points there also for sources under test.
  moduleNameMapper: {
    '^#here$': '<rootDir>/test/support/here.ts',
    // Samples are tested from their sources, over the sources of the package.
    '^nestdaw$': '<rootDir>/src/index.ts',
    '^nestdaw/(broker|testing)$': '<rootDir>/src/$1/index.ts',
  },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        swcrc: false,
        sourceMaps: true,
        module: { type: 'es6' },
        jsc: {
          target: 'es2022',
          keepClassNames: true,
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
        },
      },
    ],
  },
  // Jest leaves one core to itself, which on two cores is half of the machine; its own process hardly works.
  maxWorkers: '100%',
  // Nothing here waits for time to pass: this is how long a busy machine may take for what is usually done at once.
  testTimeout: 60_000,
  // Module graphs of finished test files are not fully released (about 6 MB per Nest file):
  // recycle workers instead of growing.
  workerIdleMemoryLimit: '512MB',
  coverageProvider: 'v8',
  collectCoverageFrom: ['<rootDir>/src/**/*.ts'],
};
