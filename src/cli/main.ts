#!/usr/bin/env node
import { Command } from 'commander';
import { messageOf } from '../common/errors.js';
import { brokerCommand } from './broker-command.js';
import { configCommand } from './config-command.js';
import { consumeCommand } from './consume-command.js';
import { dltCommand } from './dlt-command.js';
import { doctorCommand } from './doctor-command.js';

// `nestdaw`: one file a command.

const program = new Command('nestdaw')
  .description('Spring-style Kafka for NestJS, with the broker in the box.')
  .showHelpAfterError('(add --help to see what is possible)')
  .addCommand(brokerCommand())
  .addCommand(configCommand())
  .addCommand(consumeCommand())
  .addCommand(dltCommand())
  .addCommand(doctorCommand());

program.parseAsync().catch((error: unknown) => {
  console.error(`nestdaw: ${messageOf(error)}`);
  process.exitCode = 1;
});
