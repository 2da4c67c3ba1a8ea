// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of properties, not of templates
import { describe, expect, it } from '@jest/globals';
import { SetMetadata } from '@nestjs/common';
import {
  Ack,
  getKafkaTemplateToken,
  Header,
  Headers,
  KafkaHandler,
  KafkaListener,
  Key,
  Payload,
  Producer,
  Record as RawRecord,
  Signal,
} from '../../src/decorators/index.js';
import { KAFKA_LISTENERS, KAFKA_PRODUCER, PARAMETERS, PRODUCER_BINDING } from '../../src/decorators/metadata-keys.js';

const pipe = { transform: (value: unknown) => value };

class Service {
  name = 'service';

  @KafkaListener({ topics: '${a}', id: 'first' })
  @KafkaListener({ topics: 'b', id: 'second' })
  handle(
    @Payload() _payload: unknown,
    @Key(pipe) _key: string,
    @Header('trace') _trace: string,
    @Headers() _headers: object,
    @Ack() _ack: unknown,
    @RawRecord() _record: unknown,
    @Signal() _signal: AbortSignal,
    @Payload('id', pipe) _id: string,
  ) {}

  @SetMetadata('above', 1)
  @Producer({ topic: 't', key: 'id' })
  @SetMetadata('below', 2)
  async make(one: number, _two: number) {
    return { id: one, by: this.name };
  }
}

class Child extends Service {
  override handle(@Payload() _payload: unknown) {}
}

/** A method as its decorators see it: a function on the prototype. */
const methodOf = (type: { prototype: object }, name: string) => (type.prototype as Record<string, object>)[name]!;

describe('decorators', () => {
  it('leave metadata under keys that both builds share', () => {
    expect(KAFKA_LISTENERS).toBe(Symbol.for('nestdaw:listeners'));
    expect(KAFKA_PRODUCER).toBe(Symbol.for('nestdaw:producer'));
    expect(PRODUCER_BINDING).toBe(Symbol.for('nestdaw:producer-binding'));
    expect(getKafkaTemplateToken()).toBe('KafkaTemplate:default');
  });

  it('keep several listeners of one method in the order of the source', () => {
    const listeners = Reflect.getMetadata(KAFKA_LISTENERS, methodOf(Service, 'handle')) as { id: string }[];
    expect(listeners.map(({ id }) => id)).toEqual(['first', 'second']);
    expect(Reflect.getMetadata(KAFKA_LISTENERS, methodOf(Child, 'handle'))).toBeUndefined();
  });

  it("write parameters where Nest looks for them, the payload under a body's number", () => {
    const entries = Reflect.getMetadata(PARAMETERS, Service, 'handle') as object;
    expect(Object.keys(entries).sort()).toEqual(
      ['3:0', '3:7', '9101:1', '9102:2', '9103:3', '9104:4', '9105:5', '9106:6'].sort(),
    );
    expect(entries).toMatchObject({
      '3:0': { index: 0, data: undefined, pipes: [] },
      '3:7': { index: 7, data: 'id', pipes: [pipe] },
      '9101:1': { pipes: [pipe] },
      '9102:2': { data: 'trace' },
    });
  });

  it("leave the parent's parameters alone when a subclass overrides the method", () => {
    expect(Object.keys(Reflect.getOwnMetadata(PARAMETERS, Service, 'handle') as object)).toHaveLength(8);
    expect(Reflect.hasOwnMetadata(PARAMETERS, Child, 'handle')).toBe(true);
  });

  it('refuse parameters of constructors', () => {
    expect(() => Payload()(Service, undefined, 0)).toThrow("belongs on a method's parameter");
  });

  it('refuse what no instance could run: properties, accessors, static methods', () => {
    const listen = KafkaListener({ topics: 'a' }) as (target: object, name: string, descriptor?: object) => void;
    class Strange {
      static handle() {}
      get size() {
        return 1;
      }
    }
    const descriptor = (holder: object, name: string) => Object.getOwnPropertyDescriptor(holder, name);
    expect(() => listen(Strange.prototype, 'arrow')).toThrow(
      '@KafkaListener() stands on Strange.arrow, which is no method',
    );
    const { prototype } = Strange;
    expect(() => listen(prototype, 'size', descriptor(prototype, 'size'))).toThrow('Strange.size, which is no method');
    expect(() => listen(Strange, 'handle', descriptor(Strange, 'handle'))).toThrow('Strange.handle, a static method');
    expect(() => KafkaHandler()(prototype, 'arrow', undefined as never)).toThrow(
      '@KafkaHandler() stands on Strange.arrow',
    );
  });

  it('wrap a producing method and lose nothing of it', async () => {
    const make = methodOf(Service, 'make') as (this: Service, one: number, two: number) => Promise<unknown>;
    expect([make.name, make.length]).toEqual(['make', 2]);
    expect([Reflect.getMetadata('above', make), Reflect.getMetadata('below', make)]).toEqual([1, 2]);
    expect(Reflect.getMetadata(KAFKA_PRODUCER, make)).toEqual({ topic: 't', key: 'id' });
    expect(await new Service().make(1, 2)).toEqual({ id: 1, by: 'service' });
    expect(await make.call({ name: 'other' } as Service, 3, 4)).toEqual({ id: 3, by: 'other' });
  });

  it('hand the result to the binding of the instance', async () => {
    const service = new Service();
    const seen: unknown[] = [];
    Object.defineProperty(service, PRODUCER_BINDING, {
      value: async (method: object, result: Promise<unknown>) => {
        seen.push(method === methodOf(Service, 'make'), await result);
        return 'bound';
      },
    });
    expect(await service.make(1, 2)).toBe('bound');
    expect(seen).toEqual([true, { id: 1, by: 'service' }]);
  });
});
