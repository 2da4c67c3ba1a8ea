import { Worker } from 'node:worker_threads';
import { buildRoot } from '#here';
import { NestdawError, type NestdawErrorCode } from '../common/errors.js';
import { deferred } from '../common/lifecycle.js';
import { type Logger } from '../common/logger.js';
import { type BrokerWorkerData, type FromBrokerWorker, type ToBrokerWorker } from './worker-messages.js';

// One broker in one worker thread, seen from the application: started, ended, stopped.

export interface BrokerThread {
  readonly host: string;
  readonly port: number;
  /** Resolves when the thread is gone: with undefined after `stop`, else with the reason. */
  readonly ended: Promise<Error | undefined>;
  stop(): Promise<void>;
}

/** Starts the thread; undefined when another process holds the data directory. */
export async function startBrokerThread(data: BrokerWorkerData, logger: Logger): Promise<BrokerThread | undefined> {
  const worker = new Worker(new URL('embedded/broker-worker.js', buildRoot), { workerData: data, execArgv: [] });
  const started = deferred<BrokerThread | undefined>();
  const ended = deferred<Error | undefined>();
  let stopping = false;
  let crash: Error | undefined;

  worker.on('message', (message: FromBrokerWorker) => {
    switch (message.type) {
      case 'ready':
        worker.unref(); // an application that has nothing else to do may end
        started.resolve({ host: message.host, port: message.port, ended: ended.promise, stop });
        break;
      case 'locked':
        started.resolve(undefined);
        break;
      case 'failed':
        started.reject(new NestdawError(message.code as NestdawErrorCode, message.message));
        break;
      case 'log':
        say(logger, message.level, message.message);
    }
  });
  worker.on('error', (error) => {
    crash = error as Error;
  });
  worker.once('exit', (code) => {
    const reason =
      crash ?? new NestdawError('KAFKA_BROKER_START_FAILED', `the broker's thread ended with code ${code}`);
    started.reject(reason);
    ended.resolve(stopping ? undefined : reason);
  });

  async function stop(): Promise<void> {
    stopping = true;
    worker.ref();
    worker.postMessage({ type: 'stop' } satisfies ToBrokerWorker);
    await ended.promise;
  }
  return started.promise;
}

function say(logger: Logger, level: 'debug' | 'log' | 'warn' | 'error', message: string): void {
  if (level === 'debug') logger.debug?.(message);
  else logger[level](message);
}
