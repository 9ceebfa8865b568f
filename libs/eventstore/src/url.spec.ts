import { describe, expect, it } from '@jest/globals';
import { connectEventStore } from './connect.ts';
import { recordingLog, systemPorts } from './testing/world.ts';
import { prepareStoreUrl, StoreUrlError } from './url.ts';

describe('the event store url', () => {
  it('is given a name and a keep-alive of its own', () => {
    const url = prepareStoreUrl('esdb://127.0.0.1:2113?tls=false', 'risk 1', 3);
    expect(url.connectionString).toBe('esdb://127.0.0.1:2113?tls=false&connectionName=risk%201&keepAliveInterval=10003');
  });

  it('keeps what it says about itself', () => {
    const given = 'esdb+discover://a:1,b:2?keepAliveInterval=20000&connectionName=x';
    expect(prepareStoreUrl(given, 'risk', 3).connectionString).toBe(given);
  });

  it('is shown without user and password', () => {
    const url = prepareStoreUrl('esdb://tally:s3cret@store:2113/?tls=true', 'risk', 1);
    expect(url.shown).toBe('esdb://store:2113');
    expect(url.connectionString).toContain('tally:s3cret@store:2113');
    expect(url.credentialsIgnored).toBe(false);
  });

  it('says when its credentials will not be sent', () => {
    expect(prepareStoreUrl('esdb://tally:s3cret@store:2113?tls=false', 'risk', 1).credentialsIgnored).toBe(true);
  });

  it.each([
    'http://tally:s3cret@store:2113',
    'esdb://tally:s3cret@store:2113?tlsVerifyCert=false',
    'esdb://tally:s3cret@store:2113?colour=s3cret',
    'esdb://tally:s3cret@store:2113?tls',
    'esdb://tally:s3cret@',
    'esdb://tally:s3cret@store:s3cret',
    'esdb://tally:s3cret@store:2113?tls=s3cret',
    'esdb://tally:s3cret@store:2113?defaultDeadline=s3cret',
    '',
  ])('is refused without being repeated: %s', (url) => {
    let thrown: unknown;
    try {
      connectEventStore({ url, ports: systemPorts(), log: recordingLog(), connectionName: 'test' });
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(StoreUrlError);
    expect(JSON.stringify(thrown, Object.getOwnPropertyNames(thrown))).not.toContain('s3cret');
  });
});
