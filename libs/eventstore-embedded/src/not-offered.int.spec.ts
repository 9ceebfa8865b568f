import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { START, persistentSubscriptionToAllSettingsFromDefaults, persistentSubscriptionToStreamSettingsFromDefaults } from '@eventstore/db-client';
import { RawConnection } from '../test/raw-grpc.ts';
import { Fixture } from '../test/support.ts';

const UNIMPLEMENTED = 12;

const fixture = new Fixture();
let connection: RawConnection;
beforeAll(async () => {
  await fixture.start();
  connection = new RawConnection(fixture.store.port);
});
afterAll(async () => {
  await connection.close();
  await fixture.remove();
});

describe('what the product does not use', () => {
  it.each([
    'persistent_subscriptions.PersistentSubscriptions/Create', 'persistent_subscriptions.PersistentSubscriptions/Update', 'persistent_subscriptions.PersistentSubscriptions/Delete',
    'persistent_subscriptions.PersistentSubscriptions/Read', 'persistent_subscriptions.PersistentSubscriptions/GetInfo', 'persistent_subscriptions.PersistentSubscriptions/List',
    'persistent_subscriptions.PersistentSubscriptions/ReplayParked', 'persistent_subscriptions.PersistentSubscriptions/RestartSubsystem',
    'projections.Projections/Create', 'projections.Projections/Update', 'projections.Projections/Delete', 'projections.Projections/Statistics',
    'projections.Projections/Enable', 'projections.Projections/Disable', 'projections.Projections/Reset', 'projections.Projections/State', 'projections.Projections/Result',
    'users.Users/Create', 'users.Users/Update', 'users.Users/Delete', 'users.Users/Disable', 'users.Users/Enable', 'users.Users/Details', 'users.Users/ChangePassword', 'users.Users/ResetPassword',
    'operations.Operations/StartScavenge', 'operations.Operations/Shutdown', 'monitoring.Monitoring/Stats',
  ])('%s answers UNIMPLEMENTED', async (path) => {
    expect(await connection.call(`/event_store.client.${path}`, [Buffer.alloc(0)])).toMatchObject({ code: UNIMPLEMENTED });
  });

  it('says so through the client too', async () => {
    const { client } = fixture;
    await expect(client.createPersistentSubscriptionToStream('s', 'g', persistentSubscriptionToStreamSettingsFromDefaults({ startFrom: START }))).rejects.toMatchObject({ code: UNIMPLEMENTED });
    await expect(client.createPersistentSubscriptionToAll('g', persistentSubscriptionToAllSettingsFromDefaults({ startFrom: START }))).rejects.toMatchObject({ type: 'unsupported' });
    await expect(client.createProjection('p', 'fromAll()')).rejects.toMatchObject({ code: UNIMPLEMENTED });
  });

  it('and a path that no server has', async () => {
    expect(await connection.call('/nothing.Nothing/Nothing', [Buffer.alloc(0)])).toMatchObject({ code: UNIMPLEMENTED });
  });
});
