import { parentPort, workerData } from 'node:worker_threads';
import { Broker } from '../broker/broker.js';
import { hasCode, messageOf } from '../common/errors.js';
import { type Logger } from '../common/logger.js';
import { type BrokerWorkerData, type FromBrokerWorker, type ToBrokerWorker } from './worker-messages.js';

// The thread that a broker runs in beside an application, so that a busy handler cannot starve it.

const port = parentPort!;
const data = workerData as BrokerWorkerData;
const post = (message: FromBrokerWorker): void => port.postMessage(message);
const say = (level: 'debug' | 'log' | 'warn' | 'error') => (message: string) => post({ type: 'log', level, message });
const logger: Logger = { debug: say('debug'), log: say('log'), warn: say('warn'), error: say('error') };

Broker.start({ host: data.host, port: data.ports, dataDir: data.dataDir, config: data.config, logger }).then(
  (broker) => {
    post({ type: 'ready', host: broker.host, port: broker.port });
    port.on('message', (message: ToBrokerWorker) => {
      if (message.type !== 'stop') return;
      broker.stop().then(
        () => port.close(),
        (error: unknown) => {
          logger.error(`the broker did not stop cleanly: ${messageOf(error)}`);
          port.close();
        },
      );
    });
  },
  (error: unknown) => {
    if (hasCode(error, 'KAFKA_DATA_DIR_LOCKED')) post({ type: 'locked' });
    else post({ type: 'failed', code: codeOf(error), message: messageOf(error) });
    port.close();
  },
);

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : 'KAFKA_BROKER_START_FAILED';
}
