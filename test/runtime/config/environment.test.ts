// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of properties, not of templates
import { describe, expect, it } from '@jest/globals';
import { Environment } from '../../../src/runtime/config/environment.js';
import { objectSource, type PropertyTree } from '../../../src/runtime/config/sources/object-source.js';
import { argumentSource, EnvironmentPropertySource } from '../../../src/runtime/config/sources/property-source.js';

const of = (...trees: PropertyTree[]) =>
  new Environment(trees.map((tree, index) => objectSource(`source ${index}`, tree)));

describe('Environment', () => {
  it('asks the highest source first', () => {
    const environment = of({ 'orders.topic': 'low', only: 'here' }, { 'orders.topic': 'high' });
    expect(environment.get('orders.topic')).toBe('high');
    expect(environment.get('only')).toBe('here');
    expect(environment.get('nothing')).toBeUndefined();
  });

  it.each([
    ['${orders.topic}', 'orders'],
    ['a-${orders.topic}-b', 'a-orders-b'],
    ['${missing:fallback}', 'fallback'],
    ['${missing:}', ''],
    ['${missing:a:b}', 'a:b'],
    ['${missing:${orders.topic}}', 'orders'],
    ['${missing:${also.missing:deep}}', 'deep'],
    ['${${which}.topic}', 'orders'],
    ['${chain}', 'orders!'],
    ['\\${orders.topic}', '${orders.topic}'],
    ['no placeholder } here', 'no placeholder } here'],
    ['${orders.topic}${orders.topic}', 'ordersorders'],
  ])('resolves %s', (text, resolved) => {
    const environment = of({ 'orders.topic': 'orders', which: 'orders', chain: '${orders.topic}!' });
    expect(environment.resolvePlaceholders(text)).toBe(resolved);
  });

  it('says which name is missing and how to give a default', () => {
    expect(() => of({}).resolvePlaceholders('x${orders.topic}')).toThrow(
      'nothing defines "orders.topic", which ${orders.topic} asks for; define it, or give a default: ${orders.topic:…}',
    );
  });

  it('refuses values that refer to each other in a circle', () => {
    const environment = of({ a: '${b}', b: 'x${c}', c: '${a}' });
    expect(() => environment.get('a')).toThrow('in a circle: a → b → c → a');
    expect(() => environment.resolvePlaceholders('${b}')).toThrow('b → c → a → b');
  });

  it('refuses a placeholder without an end', () => {
    expect(() => of({}).resolvePlaceholders('${a')).toThrow('a placeholder has no closing brace');
  });

  it('finds names in any relaxed spelling', () => {
    const environment = of({ kafka: { consumer: { groupId: 'nested' } }, 'spring.kafka.client_id': 'under' });
    expect(environment.get('kafka.consumer.group-id')).toBe('nested');
    expect(environment.get('spring.kafka.consumer.group-id')).toBe('nested');
    expect(environment.get('kafka.client-id')).toBe('under');
  });

  it('finds environment variables by every rule of Spring', () => {
    for (const name of [
      'KAFKA_BOOTSTRAP_SERVERS',
      'KAFKA_BOOTSTRAPSERVERS',
      'SPRING_KAFKA_BOOTSTRAP_SERVERS',
      'SPRING_KAFKA_BOOTSTRAPSERVERS',
    ]) {
      const environment = new Environment([new EnvironmentPropertySource({ [name]: 'h:1' })]);
      expect(environment.get('kafka.bootstrap-servers')).toBe('h:1');
    }
    const own = new Environment([new EnvironmentPropertySource({ ORDERS_TOPIC: 'from-env' })]);
    expect(own.resolvePlaceholders('${orders.topic}')).toBe('from-env');
  });

  it('reads arguments, lists and indexed lists', () => {
    const environment = new Environment([argumentSource(['--kafka.client-id=me', '--flag', 'word', '--a.b=x=y'])]);
    expect(environment.get('kafka.client-id')).toBe('me');
    expect(environment.get('a.b')).toBe('x=y');
    expect(of({ list: ['a', 'b'] }).get('list')).toBe('a,b');
    expect(of({ 'list[0]': 'a', 'list[1]': 'b' }).get('list')).toBe('a,b');
  });
});
