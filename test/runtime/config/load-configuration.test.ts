// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of properties, not of templates
import { describe, expect, it } from '@jest/globals';
import { type ConfigKey } from '../../../src/runtime/config/config-key.js';
import { CONFIG_KEYS, type ConfigName, spellingsOf } from '../../../src/runtime/config/config-keys.js';
import { type KafkaProperties } from '../../../src/runtime/config/kafka-properties.js';
import { type ConfigurationSources } from '../../../src/runtime/config/load-configuration.js';
import { parseProperties } from '../../../src/runtime/config/sources/properties-file.js';
import { file, load, mistakesOf } from '../../support/config-folder.js';

describe('loadConfiguration', () => {
  it('gives every default without any source', () => {
    const { properties, profiles, notices } = load({});
    expect(properties.get('bootstrap-servers')).toEqual([]);
    expect(properties.get('consumer.max-poll-records')).toBe(500);
    expect(properties.get('consumer.max-poll-interval')).toBe(300_000);
    expect(properties.get('producer.acks')).toBe('all');
    expect(properties.originOf('producer.acks')).toBeUndefined();
    expect([profiles, notices]).toEqual([[], []]);
  });

  it('orders the sources as Spring does', () => {
    const files = {
      'application.properties': 'kafka.client-id=a\nspring.profiles.active=prod\nkafka.consumer.group-id=g1',
      'config/application.properties': 'kafka.client-id=b\nkafka.consumer.group-id=g2',
      'application-prod.properties': 'kafka.client-id=c',
    };
    const clientId = (sources: ConfigurationSources) => load(files, sources).properties.get('client-id');
    expect(load(files).profiles).toEqual(['prod']);
    expect(load(files).properties.get('consumer.group-id')).toBe('g2');
    expect(load(files).properties.originOf('consumer.group-id')).toBe('config/application.properties:2:25');
    const env = { KAFKA_CLIENT_ID: 'd' };
    const argv = ['--spring.kafka.client-id=e'];
    const properties = { 'kafka.client-id': 'f' };
    expect(clientId({})).toBe('c');
    expect(clientId({ env })).toBe('d');
    expect(clientId({ env, argv })).toBe('e');
    expect(clientId({ env, argv, properties })).toBe('f');
    expect(clientId({ env, argv, properties, overrides: { 'kafka.client-id': 'g' } })).toBe('g');
    expect(clientId({ env: { SPRING_PROFILES_ACTIVE: '' } })).toBe('b');
  });

  it.each([
    ['-1', 'all'],
    ['ALL', 'all'],
    ['1', '1'],
    ['0', '0'],
  ])('takes acks of %s for %s', (written, acks) => {
    expect(load(file(`spring.kafka.producer.acks=${written}`)).properties.get('producer.acks')).toBe(acks);
    const yaml = { 'application.yml': `spring.kafka.producer.acks: ${written}` };
    expect(load(yaml).properties.get('producer.acks')).toBe(acks);
  });

  it('treats kafka. and spring.kafka. as one, in any spelling', () => {
    const { properties } = load(
      file('spring.kafka.consumer.maxPollRecords=7', 'kafka.CONSUMER.fetch_max_wait=1s', 'spring.kafka.client-id=x'),
    );
    expect(properties.get('consumer.max-poll-records')).toBe(7);
    expect(properties.get('consumer.fetch-max-wait')).toBe(1000);
    expect(properties.get('client-id')).toBe('x');
  });

  it("takes Kafka's own names: client properties over Spring's key over common properties", () => {
    const common = 'kafka.properties.max.poll.records=1';
    const spring = 'kafka.consumer.max-poll-records=2';
    const client = 'kafka.consumer.properties.max.poll.records=3';
    const records = (...lines: string[]) => load(file(...lines)).properties.get('consumer.max-poll-records');
    expect([records(common), records(spring, common), records(client, spring, common)]).toEqual([1, 2, 3]);
    expect(load(file('kafka.properties[linger.ms]=5')).properties.get('producer.properties.linger.ms')).toBe(5);
    const env = { KAFKA_CONSUMER_PROPERTIES_SESSION_TIMEOUT_MS: '6000' };
    expect(load({}, { env }).properties.get('consumer.properties.session.timeout.ms')).toBe(6000);
  });

  it.each<[lines: string[], read: (p: KafkaProperties) => unknown, value: unknown]>([
    [
      ['kafka.properties.bootstrap.servers=p:1', 'kafka.bootstrap-servers=k:1'],
      (p) => p.get('bootstrap-servers'),
      ['k:1'],
    ],
    [['kafka.properties.bootstrap.servers=p:1'], (p) => p.get('bootstrap-servers'), ['p:1']],
    [['kafka.properties.client.id=p', 'kafka.client-id=k'], (p) => p.get('client-id'), 'p'],
    [
      ['kafka.bootstrap-servers=k:1', 'kafka.consumer.properties.bootstrap.servers=c:1'],
      (p) => p.getFor('consumer', 'bootstrap-servers'),
      ['k:1'],
    ],
    [
      ['kafka.consumer.bootstrap-servers=c:1', 'kafka.bootstrap-servers=k:1'],
      (p) => p.getFor('consumer', 'bootstrap-servers'),
      ['c:1'],
    ],
    [
      ['kafka.consumer.bootstrap-servers=c:1', 'kafka.bootstrap-servers=k:1'],
      (p) => p.getFor('producer', 'bootstrap-servers'),
      ['k:1'],
    ],
    [
      ['kafka.security.protocol=SSL', 'kafka.properties.security.protocol=PLAINTEXT'],
      (p) => p.get('security.protocol'),
      'SSL',
    ],
    [
      ['kafka.security.protocol=SSL', 'kafka.producer.properties.security.protocol=PLAINTEXT'],
      (p) => p.getFor('producer', 'security.protocol'),
      'SSL',
    ],
    [['kafka.producer.properties.security.protocol=SSL'], (p) => p.getFor('producer', 'security.protocol'), 'SSL'],
    [['kafka.ssl.key-password=a', 'kafka.properties.ssl.key.password=b'], (p) => p.get('ssl.key-password'), 'b'],
    [
      ['kafka.properties.ssl.key.password=b', 'kafka.consumer.ssl.key-password=c'],
      (p) => p.getFor('consumer', 'ssl.key-password'),
      'c',
    ],
    [
      ['kafka.consumer.ssl.key-password=c', 'kafka.consumer.properties.ssl.key.password=d'],
      (p) => p.getFor('consumer', 'ssl.key-password'),
      'd',
    ],
    [
      ['kafka.consumer.ssl.key-password=c', 'kafka.ssl.key-password=a'],
      (p) => p.getFor('producer', 'ssl.key-password'),
      'a',
    ],
    [['kafka.consumer.group-id=a', 'kafka.consumer.properties.group.id=b'], (p) => p.get('consumer.group-id'), 'b'],
    [['kafka.properties.group.id=b'], (p) => p.get('consumer.group-id'), 'b'],
  ])('builds the properties of a client in the steps of Spring: %j', (lines, read, value) => {
    expect(read(load(file(...lines)).properties)).toEqual(value);
    expect(read(load(file(...[...lines].reverse())).properties)).toEqual(value);
  });

  it('takes a list from one source as a whole, and refuses one with gaps', () => {
    const files = file('kafka.bootstrap-servers[0]=a:1', 'kafka.bootstrap-servers[1]=b:1');
    const servers = (env: Record<string, string>) => load(files, { env }).properties.get('bootstrap-servers');
    expect(servers({})).toEqual(['a:1', 'b:1']);
    expect(servers({ KAFKA_BOOTSTRAPSERVERS_0_: 'c:1' })).toEqual(['c:1']);
    expect(servers({ KAFKA_BOOTSTRAP_SERVERS_0: 'c:1', KAFKA_BOOTSTRAP_SERVERS_1: 'd:1' })).toEqual(['c:1', 'd:1']);
    expect(
      load({ 'application.yml': 'kafka:\n  bootstrap-servers:\n    - a:1\n    - b:1\n' }).properties.get(
        'bootstrap-servers',
      ),
    ).toEqual(['a:1', 'b:1']);
    const gaps = file('kafka.bootstrap-servers[0]=a:1', 'kafka.bootstrap-servers[2]=b:1');
    expect(mistakesOf(() => load(gaps))).toEqual([
      'application.properties:2:28: kafka.bootstrap-servers[2]=b:1: the list has no [1]; number its items from 0 without gaps',
    ]);
  });

  it('fills placeholders from any source', () => {
    const { properties, environment } = load(
      file('orders.group=billing', 'kafka.consumer.group-id=${orders.group}-${REGION:eu}', 'orders.topic=orders'),
      { env: { REGION: 'us' } },
    );
    expect(properties.get('consumer.group-id')).toBe('billing-us');
    expect(environment.resolvePlaceholders('${orders.topic}')).toBe('orders');
  });

  it('reports all mistakes together, each with its line, key, value and what is allowed', () => {
    const mistakes = mistakesOf(() =>
      load(
        file(
          '# a comment',
          'kafka.consumer.max-pol-records=5',
          'spring.kafka.consumer.auto-offset-reset=earlyest',
          'kafka.consumer.fetch-max-wait=10x',
          'kafka.embedded.port=70000',
          'kafka.client-id=${nowhere}',
          'kafka.properties.sasl.mechanismus=PLAIN',
          'kafka.template.default-topic=all orders',
          'kafka.consumer.group-id=\\',
          '  ${a}',
          'a=${b}',
          'b=${a}',
        ),
        { env: { SPRING_KAFKA_CLIENTIDD: 'x' }, argv: ['--kafka.producer.acks=two'] },
      ),
    );
    const expected = [
      'application.properties:2:32: kafka.consumer.max-pol-records=5: unknown key; did you mean kafka.consumer.max-poll-records?',
      'application.properties:3:41: spring.kafka.consumer.auto-offset-reset=earlyest: not allowed; allowed: earliest, latest, none, exception',
      'application.properties:4:31: kafka.consumer.fetch-max-wait=10x: not allowed; allowed: a duration such as 500ms, 10s, 5m, PT1M30S, or a bare number of milliseconds, at least 0',
      'application.properties:5:21: kafka.embedded.port=70000: not allowed; allowed: a whole number, from 0 to 65535',
      'application.properties:6:17: kafka.client-id=${nowhere}: nothing defines "nowhere", which ${nowhere} asks for; define it, or give a default: ${nowhere:…}',
      'application.properties:7:35: kafka.properties.sasl.mechanismus=PLAIN: unknown key; did you mean kafka.properties.sasl.mechanism?',
      'application.properties:8:30: kafka.template.default-topic=all orders: not allowed; allowed: the name of a topic: letters, digits, dot, dash, underscore, up to 249',
      'application.properties:10:3: kafka.consumer.group-id=${a}: the placeholders refer to each other in a circle: a → b → a',
      'environment variable SPRING_KAFKA_CLIENTIDD: SPRING_KAFKA_CLIENTIDD=x: unknown key; did you mean SPRING_KAFKA_CLIENT_ID?',
      'argument --kafka.producer.acks: kafka.producer.acks=two: not allowed; allowed: all, 1, 0, -1',
    ];
    expect(mistakes.sort()).toEqual(expected.sort());
  });

  it('lists them in the order of their lines, whatever is wrong with each', () => {
    const lines = ['kafka.producer.acks=two', 'kafka.consumr.group-id=g', 'kafka.client-id=${nowhere}', 'kafka.acks=1'];
    const found = mistakesOf(() => load(file(...lines, ...lines.map((_, at) => `kafka.x${at}.y=1`))));
    expect(found.map((mistake) => Number(mistake.split(':')[1]))).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('masks secrets in messages', () => {
    const mistakes = mistakesOf(() => load(file('kafka.ssl.key-password=${hunter}', 'kafka.ssl.key-pasword=hunter2')));
    expect(mistakes.join('\n')).toContain('kafka.ssl.key-password=******');
    const path = mistakesOf(() => load(file('spring.config.import=file:./secrets.properties')));
    expect(path[0]).toContain('spring.config.import=file:./secrets.properties: secrets.properties does not exist');
    expect(mistakes.join('\n')).toContain(
      'kafka.ssl.key-pasword=******: unknown key; did you mean kafka.ssl.key-password?',
    );
  });

  it('leaves keys of others alone, and warns of variables that look misspelt', () => {
    const env = { KAFKA_HOME: '/opt', KAFKA_HEAP_OPTS: '-Xmx1G', KAFKA_BOOTSTRAP_SERVER: 'h:1', PATH: '/bin' };
    const { notices } = load(file('server.port=80', 'spring.application.name=x', 'orders.topic=y'), { env });
    expect(notices).toEqual([
      'environment variable KAFKA_BOOTSTRAP_SERVER is not used; did you mean KAFKA_BOOTSTRAP_SERVERS?',
    ]);
  });

  it('accepts what cannot act in Node with the reason', () => {
    const { notices } = load(file('spring.kafka.listener.change-consumer-thread-name=true'));
    expect(notices[0]).toContain('has no effect: consumers have no threads to rename');
  });

  it('reads another file, and its profile files beside it', () => {
    const files = { 'x/my.properties': 'kafka.client-id=a', 'x/my-dev.properties': 'kafka.consumer.group-id=dev' };
    const { properties } = load(files, { propertiesFile: 'x/my.properties', argv: ['--spring.profiles.active=dev'] });
    expect([properties.get('client-id'), properties.get('consumer.group-id')]).toEqual(['a', 'dev']);
  });

  it("hands the embedded broker's keys on as written", () => {
    const { properties } = load(
      file('kafka.embedded.properties.num.partitions=6', 'spring.kafka.embedded.properties[log.dirs]=x'),
      {
        env: { KAFKA_EMBEDDED_PROPERTIES_GROUP_INITIAL_REBALANCE_DELAY_MS: '0' },
      },
    );
    expect(properties.get('embedded.properties')).toEqual({
      'num.partitions': '6',
      'log.dirs': 'x',
      'group.initial.rebalance.delay.ms': '0',
    });
  });

  it('reads serializers and deserializers under their Java names', () => {
    const { properties } = load(
      file(
        'spring.kafka.consumer.value-deserializer=org.apache.kafka.common.serialization.StringDeserializer',
        'spring.kafka.producer.value-serializer=org.springframework.kafka.support.serializer.JsonSerializer',
      ),
    );
    expect(properties.get('consumer.value-deserializer')).toBe('string');
    expect(properties.get('producer.value-serializer')).toBe('json');
  });

  it('reads properties by the rules of Java, and names the line of a bad escape', () => {
    expect(parseProperties('a : b\nc=d\\\n   e\n! note\nlong\\ key=x\\u0041\nflag\n')).toEqual({
      a: 'b',
      c: 'de',
      'long key': 'xA',
      flag: '',
    });
    expect(mistakesOf(() => load(file('a=1', 'b=\\u12')))[0]).toContain('application.properties:2');
  });

  it('counts an empty number as not set, and an empty list as empty', () => {
    const { properties } = load(file('kafka.consumer.max-poll-records=', 'kafka.bootstrap-servers='));
    expect(properties.get('consumer.max-poll-records')).toBe(500);
    expect(properties.get('bootstrap-servers')).toEqual([]);
  });
});

describe('the table', () => {
  const names = Object.keys(CONFIG_KEYS) as ConfigName[];

  it('says of every key what it means and where it acts', () => {
    for (const name of names) {
      const key = CONFIG_KEYS[name] as ConfigKey<unknown>;
      expect(`${name}: ${key.doc}`).toMatch(/\.$/);
      expect(key.acts).not.toBe('');
      expect(key.allowed).not.toBe('');
    }
  });

  it('gives every default inside its own range', () => {
    for (const name of names) {
      const key = CONFIG_KEYS[name] as ConfigKey<string | number | boolean | readonly string[] | undefined>;
      if ((key.kind as string) === 'map' || key.default === undefined) continue;
      expect([name, key.parse(String(key.default))]).toEqual([name, key.default]);
    }
  });

  it('takes no spelling for two keys of one client', () => {
    const own = names.map((name) => spellingsOf(name)[0]);
    expect(new Set(own).size).toBe(own.length);
  });
});
