import { Inject } from '@nestjs/common';
import { DEFAULT_CONNECTION } from '../common/connection-name.js';

// Injection of what belongs to one connection, by name.

/** Injection token of a connection's `KafkaTemplate`. The default connection's is injectable by class as well. */
export function getKafkaTemplateToken(connection: string = DEFAULT_CONNECTION): string {
  return `KafkaTemplate:${connection}`;
}

/**
 * Injection token of a connection's `KafkaTransactionManager`. The default connection's is injectable by class as well.
 */
export function getKafkaTransactionManagerToken(connection: string = DEFAULT_CONNECTION): string {
  return `KafkaTransactionManager:${connection}`;
}

/** Injects the `KafkaTransactionManager` of a connection. */
export function InjectKafkaTransactionManager(
  connection: string = DEFAULT_CONNECTION,
): ParameterDecorator & PropertyDecorator {
  return Inject(getKafkaTransactionManagerToken(connection));
}

/** Injects the `KafkaTemplate` of a connection; needed where the parameter's class does not tell which. */
export function InjectKafkaTemplate(connection: string = DEFAULT_CONNECTION): ParameterDecorator & PropertyDecorator {
  return Inject(getKafkaTemplateToken(connection));
}

/** Injection token of a connection's `DeadLetters`. The default connection's is injectable by class as well. */
export function getDeadLettersToken(connection: string = DEFAULT_CONNECTION): string {
  return `DeadLetters:${connection}`;
}

/** Injection token of a connection's `RangeReader`. The default connection's is injectable by class as well. */
export function getRangeReaderToken(connection: string = DEFAULT_CONNECTION): string {
  return `RangeReader:${connection}`;
}

/** @internal Injection token of a connection, for what is made on top of one. */
export function getKafkaConnectionToken(connection: string = DEFAULT_CONNECTION): string {
  return `KafkaConnection:${connection}`;
}

/** Injection token of a connection's `KafkaAdmin`. The default connection's is injectable by class as well. */
export function getKafkaAdminToken(connection: string = DEFAULT_CONNECTION): string {
  return `KafkaAdmin:${connection}`;
}

/** Injects the `KafkaAdmin` of a connection; needed where the parameter's class does not tell which. */
export function InjectKafkaAdmin(connection: string = DEFAULT_CONNECTION): ParameterDecorator & PropertyDecorator {
  return Inject(getKafkaAdminToken(connection));
}
