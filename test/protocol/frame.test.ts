import { describe, expect, it } from '@jest/globals';
import { flexibleFromOf } from '../../src/protocol/api-keys.js';
import {
  decodeRequestHeader,
  decodeResponsePayload,
  encodeRequestFrame,
  encodeResponseFrame,
  requestBody,
} from '../../src/protocol/frame.js';
import { ApiVersions, Metadata, SaslHandshake } from '../../src/protocol/messages/index.js';

const hexOf = (chunks: Buffer[]): string => Buffer.concat(chunks).toString('hex');

const API_VERSIONS_REQUEST = '000000130012000300000001000163' + '00' + '046c6962' + '0231' + '00';
const ONLY_API_VERSIONS = { errorCode: 0, apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 4 }] };

describe('requests', () => {
  it('have header v2 in flexible versions, with a classic client id', () => {
    const request = { clientSoftwareName: 'lib', clientSoftwareVersion: '1' };
    expect(hexOf(encodeRequestFrame(ApiVersions, 3, 1, 'c', request))).toBe(API_VERSIONS_REQUEST);
  });

  it('have header v1 before', () => {
    expect(hexOf(encodeRequestFrame(ApiVersions, 2, 7, null, {}))).toBe('0000000a' + '00120002' + '00000007' + 'ffff');
  });

  it('are read back: header, then the body at the reader', () => {
    const header = decodeRequestHeader(Buffer.from(API_VERSIONS_REQUEST, 'hex').subarray(4), flexibleFromOf);
    expect(header).toMatchObject({ apiKey: 18, apiVersion: 3, correlationId: 1, clientId: 'c' });
    expect(ApiVersions.request.decode(header.reader, 3)).toEqual({
      clientSoftwareName: 'lib',
      clientSoftwareVersion: '1',
    });
  });

  it('have an empty client id when there is none, and skip the tags of their header', () => {
    const frame = Buffer.from('00120004' + '00000001' + 'ffff' + '010502aabb' + 'ff', 'hex');
    const header = decodeRequestHeader(frame, flexibleFromOf);
    expect(header.clientId).toBe('');
    expect(header.reader.remaining).toBe(1);
  });

  it('of a version newer than ours still have their header read', () => {
    const frame = encodeRequestFrame(ApiVersions, 4, 9, 'c', { clientSoftwareName: 'l', clientSoftwareVersion: '2' });
    const bytes = Buffer.concat(frame).subarray(4);
    bytes.writeInt16BE(99, 2);
    expect(decodeRequestHeader(bytes, flexibleFromOf)).toMatchObject({ apiKey: 18, apiVersion: 99, correlationId: 9 });
  });

  it('are malformed when their header is cut off', () => {
    const frame = Buffer.from(API_VERSIONS_REQUEST, 'hex').subarray(4, 15);
    for (let length = 0; length < frame.length; length++) {
      expect(() => decodeRequestHeader(frame.subarray(0, length), flexibleFromOf)).toThrow(
        expect.objectContaining({ code: 'KAFKA_PROTOCOL_MALFORMED' }),
      );
    }
  });

  it('as a body alone begin with the tag byte of header v2 where there is one', () => {
    expect(hexOf(requestBody(Metadata, 9, { topics: [] }))).toBe('00' + '01' + '01' + '00' + '00' + '00');
    expect(hexOf(requestBody(Metadata, 6, { topics: null }))).toBe('ffffffff' + '01');
    expect(hexOf(requestBody(SaslHandshake, 1, { mechanism: 'PLAIN' }))).toBe('0005504c41494e');
  });
});

describe('responses', () => {
  it('of ApiVersions never have tags in their header', () => {
    const hex = '00000013' + '00000001' + '0000' + '02' + '0012' + '0000' + '0004' + '00' + '00000000' + '00';
    expect(hexOf(encodeResponseFrame(ApiVersions, 3, 1, ONLY_API_VERSIONS))).toBe(hex);
    const payload = Buffer.from(hex, 'hex').subarray(8);
    expect(decodeResponsePayload(ApiVersions, 3, payload)).toMatchObject({
      apiKeys: ONLY_API_VERSIONS.apiKeys,
      finalizedFeaturesEpoch: -1,
    });
  });

  it('say in version 0 that a version of ApiVersions is unknown', () => {
    const answer = encodeResponseFrame(ApiVersions, 0, 1, { ...ONLY_API_VERSIONS, errorCode: 35 });
    expect(hexOf(answer)).toBe('00000010' + '00000001' + '0023' + '00000001' + '0012' + '0000' + '0004');
  });

  it('of flexible versions have tags in their header, which a reader skips', () => {
    const answer = { brokers: [], clusterId: 'c', controllerId: 1, topics: [] };
    const frame = Buffer.concat(encodeResponseFrame(Metadata, 9, 5, answer));
    expect(frame.readInt32BE(0)).toBe(frame.length - 4);
    expect(frame[8]).toBe(0);
    expect(decodeResponsePayload(Metadata, 9, frame.subarray(8))).toMatchObject(answer);
    const tagged = Buffer.concat([Buffer.from('010001ff', 'hex'), frame.subarray(9)]);
    expect(decodeResponsePayload(Metadata, 9, tagged)).toMatchObject(answer);
  });
});
