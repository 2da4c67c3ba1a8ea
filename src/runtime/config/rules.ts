import { type ConfigName, keyOf } from './config-keys.js';
import { type KafkaProperties } from './kafka-properties.js';
import { mistakeAt } from './mistake-at.js';
import { type Mistake } from './mistakes.js';
import { NO_LOSS, NO_LOSS_NAMES } from './no-loss.js';
import { shownText, valueText } from './reference/value-text.js';

// What no key can say for itself: pairs that exclude each other, and pairs that cannot work together.

export interface Findings {
  readonly mistakes: Mistake[];
  /** What works but may surprise. */
  readonly notices: string[];
}

/** Of two keys of one place only one may be set, as in Spring. */
const EXCLUSIVE: ReadonlyArray<readonly [ConfigName, ConfigName]> = ['', 'consumer.', 'producer.', 'admin.'].flatMap(
  (place) =>
    [
      ['ssl.bundle', 'ssl.key-store-key'],
      ['ssl.bundle', 'ssl.key-store-location'],
      ['ssl.bundle', 'ssl.trust-store-certificates'],
      ['ssl.bundle', 'ssl.trust-store-location'],
      ['ssl.key-store-key', 'ssl.key-store-location'],
      ['ssl.trust-store-certificates', 'ssl.trust-store-location'],
    ].map(([one, other]) => [`${place}${one}` as ConfigName, `${place}${other}` as ConfigName] as const),
);

/** Idempotence remembers this many batches per partition. */
const MOST_IN_FLIGHT = 5;
/** What a broker allows by default: group.min.session.timeout.ms and group.max.session.timeout.ms. */
const SESSION_MS = { min: 6_000, max: 1_800_000 };

/** Rules of a connection. */
export function checkConnection(properties: KafkaProperties, findings: Findings): void {
  const rule = new Rule(properties, findings);
  for (const [one, other] of EXCLUSIVE) {
    if (!rule.isSet(one) || !rule.isSet(other)) continue;
    rule.mistake(one, `and ${rule.nameAt(other)} exclude each other; remove one of them`);
  }
  checkProducer(properties, findings);
  checkConsumer(properties, findings);
  checkRetries(rule);
  if (rule.isSet('consumer.auto-commit-interval') && !properties.get('consumer.enable-auto-commit')) {
    rule.notice(
      'consumer.auto-commit-interval',
      'has an effect under enable-auto-commit=true only; see listener.ack-mode',
    );
  }
}

/** What Boot reads under `enabled` only, and a limit that is none. */
function checkRetries(rule: Rule): void {
  const { properties } = rule;
  const [first, longest] = ['retry.topic.backoff.delay', 'retry.topic.backoff.max-delay'] as const;
  if (!properties.get('retry.topic.enabled')) {
    const names = ['retry.topic.attempts', first, 'retry.topic.backoff.multiplier', longest] as const;
    for (const name of [...names, 'retry.topic.backoff.jitter'] as const) {
      if (rule.isSet(name)) rule.notice(name, 'has an effect under retry.topic.enabled=true only');
    }
  } else if (properties.get('retry.topic.backoff.multiplier') > 1 && properties.get(longest) <= properties.get(first)) {
    rule.notice(longest, `is no limit, since it is not above ${rule.told(first)}: delays grow with every attempt`);
  }
}

/** Rules of one listener's consumers, whose own properties stand over the connection's. */
export function checkConsumer(properties: KafkaProperties, findings: Findings): void {
  const rule = new Rule(properties, findings);
  const session = properties.get('consumer.properties.session.timeout.ms');
  if (properties.get('consumer.heartbeat-interval') * 3 > session) {
    rule.mistake(
      'consumer.heartbeat-interval',
      `must be at most a third of ${rule.told('consumer.properties.session.timeout.ms')}: ` +
        'one lost heartbeat would end the session; lower the first or raise the second',
    );
  }
  if (session < SESSION_MS.min || session > SESSION_MS.max) {
    rule.notice(
      'consumer.properties.session.timeout.ms',
      `brokers refuse it unless their group.min.session.timeout.ms (${SESSION_MS.min}) and ` +
        `group.max.session.timeout.ms (${SESSION_MS.max}) allow it`,
    );
  }
  if (properties.get('listener.shutdown-timeout') >= properties.get('consumer.max-poll-interval')) {
    rule.mistake(
      'listener.shutdown-timeout',
      `lets handlers run on at least as long as ${rule.told('consumer.max-poll-interval')}, at which the group gives ` +
        'their partitions to others; lower the first or raise the second',
    );
  }
  if (properties.get('consumer.fetch-max-wait') >= properties.get('consumer.properties.request.timeout.ms')) {
    rule.mistake(
      'consumer.fetch-max-wait',
      `must be below ${rule.told('consumer.properties.request.timeout.ms')}: a fetch that waits would count as lost`,
    );
  }
  backoffs(rule, 'consumer');
  for (const part of ['key', 'value'] as const) {
    const delegate = `consumer.properties.spring.deserializer.${part}.delegate.class` as const;
    const isDelegating = properties.get(`consumer.${part}-deserializer`) === 'delegate';
    if (isDelegating && properties.get(delegate) === undefined) {
      rule.mistake(`consumer.${part}-deserializer`, `needs ${properties.prefix}.${delegate}`);
    } else if (!isDelegating && rule.isSet(delegate)) {
      rule.notice(delegate, `has an effect under ${part}-deserializer=ErrorHandlingDeserializer only`);
    }
  }
}

/** Rules of one producer: the connection's, or a named one, whose own keys stand over the connection's. */
export function checkProducer(properties: KafkaProperties, findings: Findings): void {
  const rule = new Rule(properties, findings);
  const [delivery, linger, request] = [
    'producer.properties.delivery.timeout.ms',
    'producer.properties.linger.ms',
    'producer.properties.request.timeout.ms',
  ] as const;
  // The default gives way (see client-options), as in the Java client.
  if (rule.isSet(delivery) && properties.get(delivery) < properties.get(linger) + properties.get(request)) {
    rule.mistake(
      delivery,
      `must be at least the sum of ${rule.told(linger)} and ${rule.told(request)}, ` +
        `${valueText({ unit: 'ms' }, properties.get(linger) + properties.get(request))}: there would be no time for one try`,
    );
  }
  const [acks, inFlight, idempotence] = [
    'producer.acks',
    'producer.properties.max.in.flight.requests.per.connection',
    'producer.properties.enable.idempotence',
  ] as const;
  if (rule.isSet(idempotence) && properties.get(idempotence)) {
    if (properties.get(acks) !== 'all') rule.mistake(idempotence, `needs acks=all, not ${rule.told(acks)}`);
    if (properties.get(inFlight) > MOST_IN_FLIGHT)
      rule.mistake(idempotence, `allows at most 5, not ${rule.told(inFlight)}`);
    if (properties.get('producer.retries') === 0)
      rule.mistake(idempotence, `needs retries, not ${rule.told('producer.retries')}`);
  }
  const prefix = ['producer.transaction-id-prefix', 'producer.properties.transactional.id'] as const;
  const transactional = prefix.find((name) => properties.get(name) !== undefined);
  if (transactional !== undefined) {
    const needs = 'switches transactions on, and they need';
    if (!properties.get(idempotence))
      rule.mistake(transactional, `${needs} idempotence, not ${rule.told(idempotence)}`);
    if (properties.get(acks) !== 'all') rule.mistake(transactional, `${needs} acks=all, not ${rule.told(acks)}`);
    if (properties.get('producer.retries') === 0)
      rule.mistake(transactional, `${needs} retries, not ${rule.told('producer.retries')}`);
  }
  checkNoLoss(rule);
  const stop = 'producer.on-delivery-failure';
  // The default of idempotence gives way to what rules it out, as in the Java client.
  const isIdempotent = rule.isSet(idempotence)
    ? properties.get(idempotence)
    : properties.get(acks) === 'all' &&
      properties.get('producer.retries') > 0 &&
      properties.get(inFlight) <= MOST_IN_FLIGHT;
  if (properties.get(stop) === 'stop' && !isIdempotent && properties.get(inFlight) > 1) {
    rule.mistake(
      stop,
      `needs idempotence (${properties.keyOf(idempotence)} with acks=all and retries), or ${properties.keyOf(inFlight)}=1: ` +
        'else a later request overtakes one that fails',
    );
  }
  const memory = 'producer.buffer-memory';
  for (const name of ['producer.properties.max.request.size', 'producer.batch-size'] as const) {
    if (properties.get(name) <= properties.get(memory)) continue;
    rule.mistake(name, `is more than ${rule.told(memory)} can ever hold; lower the first or raise the second`);
  }
  if (rule.isSet('producer.batch-size') && rule.isSet(linger) && properties.get(linger) === 0) {
    rule.notice(
      linger,
      'a batch goes out as soon as its broker takes a request; batch-size bounds what is combined meanwhile',
    );
  }
  backoffs(rule, 'producer');
}

/** What the profile sets may be said again, but not otherwise. */
function checkNoLoss(rule: Rule): void {
  const { properties } = rule;
  if (properties.get('producer.profile') !== 'no-loss') return;
  for (const name of NO_LOSS_NAMES) {
    const wanted = NO_LOSS[name];
    if (!rule.isSet(name) || properties.get(name) === wanted) continue;
    rule.mistake(name, `contradicts ${rule.told('producer.profile')}, which needs ${wanted}; remove one of them`);
  }
}

function backoffs(rule: Rule, client: 'consumer' | 'producer'): void {
  const first = `${client}.properties.retry.backoff.ms` as const;
  const longest = `${client}.properties.retry.backoff.max.ms` as const;
  if (rule.properties.get(first) <= rule.properties.get(longest)) return;
  rule.notice(first, `is cut to ${rule.told(longest)}`);
}

class Rule {
  constructor(
    readonly properties: KafkaProperties,
    readonly findings: Findings,
  ) {}

  isSet(name: ConfigName): boolean {
    return this.properties.originOf(name) !== undefined;
  }

  mistake(name: ConfigName, problem: string): void {
    this.findings.mistakes.push(mistakeAt(this.properties, name, problem));
  }

  notice(name: ConfigName, what: string): void {
    this.findings.notices.push(`${this.#originOf(name)}: ${this.#full(name)}=${this.#value(name)}: ${what}`);
  }

  /** Name, value and place of another key, for a sentence. */
  told(name: ConfigName): string {
    return `${this.#full(name)}=${this.#value(name)} (${this.properties.originOf(name) ?? 'default'})`;
  }

  nameAt(name: ConfigName): string {
    return `${this.#full(name)} (${this.#originOf(name)})`;
  }

  #originOf(name: ConfigName): string {
    return this.properties.originOf(name) ?? 'default';
  }

  #full(name: ConfigName): string {
    return this.properties.keyOf(name);
  }

  #value(name: ConfigName): string {
    return shownText(name, keyOf(name), this.properties.get(name));
  }
}
