// When somebody no longer counts, whatever they once proved.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import type { Principal } from './principal.ts';
import { EndedError, type Identity, Standings } from './standing.ts';
import { AccessDatabase } from './suite-database.ts';
import {
  ALICE,
  BY_PASSWORD,
  BY_SESSION,
  byToken,
  HOUR_MS,
  insertPolicy,
  insertRobot,
  insertSession,
  insertToken,
  insertUser,
  PIPELINE,
  ROBOT,
  START,
} from './suite-people.ts';

let database: AccessDatabase;
let standings: Standings;
let now: number;

beforeEach(async () => {
  now = START;
  database = await AccessDatabase.open();
  standings = new Standings({ sql: database, now: () => now, awayMs: 60_000, forget: () => {} });
});

afterEach(() => database.close());

interface End {
  readonly who: string;
  readonly identity: Identity;
  begin(): void;
  end(): void;
  readonly says: RegExp;
}

const userBy = (what: 'password' | 'token' | 'session') => () => {
  insertUser(database);
  if (what === 'token') insertToken(database, { owner_kind: 'user', owner_id: 12 });
  if (what === 'session') insertSession(database);
};
const robotByToken = () => {
  insertRobot(database, { expires_at: START + HOUR_MS });
  insertToken(database, { owner_kind: 'robot', owner_id: 23 });
};
const pipelineByToken = () => {
  insertPolicy(database);
  insertToken(database, { owner_kind: 'workload', owner_id: 34, owner_epoch: 1 });
};
const change = (text: string) => () => database.change(text);
const wait = (ms: number) => () => {
  now += ms;
};

const BY_REFRESH_TOKEN: Identity = {
  principal: ALICE,
  credential: { kind: 'refresh-token', id: 67 },
  epoch: 1,
};
function byRefreshToken(accessToken: number | null): void {
  insertUser(database);
  if (accessToken !== null) insertToken(database, { owner_kind: 'user', owner_id: 12 });
  database.insert('refresh_tokens', {
    id: 67,
    user_id: 12,
    access_token_id: accessToken,
    hash: new Uint8Array([3]),
    expires_at: START + HOUR_MS,
  });
}

const ENDS: readonly End[] = [
  ...(['password', 'token', 'session'] as const).flatMap((what): End[] => {
    const identity = { password: BY_PASSWORD, token: byToken(ALICE), session: BY_SESSION }[what];
    const begin = userBy(what);
    return [
      {
        who: `a user by ${what}: disabled`,
        identity,
        begin,
        end: change("update users set state = 'disabled'"),
        says: /alice is disabled/,
      },
      {
        who: `a user by ${what}: deleted`,
        identity,
        begin,
        end: change("update users set state = 'deleted'"),
        says: /alice is deleted/,
      },
    ];
  }),
  {
    who: 'a user by password: another epoch',
    identity: BY_PASSWORD,
    begin: userBy('password'),
    end: change('update users set epoch = 2'),
    says: /ended: the password or another credential has changed/,
  },
  {
    who: 'a user by session: another epoch',
    identity: BY_SESSION,
    begin: userBy('session'),
    end: change('update users set epoch = 2'),
    says: /ended/,
  },
  {
    who: 'a token: revoked',
    identity: byToken(ALICE),
    begin: userBy('token'),
    end: change('update access_tokens set revoked_at = 1'),
    says: /token was revoked/,
  },
  {
    who: 'a token: removed',
    identity: byToken(ALICE),
    begin: userBy('token'),
    end: change('delete from access_tokens'),
    says: /token was revoked/,
  },
  {
    who: 'a token: expired by the clock',
    identity: byToken(ALICE),
    begin() {
      insertUser(database);
      insertToken(database, { owner_kind: 'user', owner_id: 12, expires_at: START + HOUR_MS });
    },
    end: wait(HOUR_MS),
    says: /expired/,
  },
  {
    who: 'a session: ended',
    identity: BY_SESSION,
    begin: userBy('session'),
    end: change('update sessions set revoked_at = 1'),
    says: /session was ended/,
  },
  {
    who: 'a session: expired by the clock',
    identity: BY_SESSION,
    begin: userBy('session'),
    end: wait(HOUR_MS),
    says: /expired/,
  },
  {
    who: 'a refresh token: revoked',
    identity: BY_REFRESH_TOKEN,
    begin: () => byRefreshToken(null),
    end: change('update refresh_tokens set revoked_at = 1'),
    says: /refresh token was revoked/,
  },
  {
    who: 'a refresh token: another epoch of its user',
    identity: BY_REFRESH_TOKEN,
    begin: () => byRefreshToken(null),
    end: change('update users set epoch = 2'),
    says: /ended/,
  },
  {
    who: 'a refresh token: the access token that it was asked for with revoked',
    identity: BY_REFRESH_TOKEN,
    begin: () => byRefreshToken(45),
    end: change('update access_tokens set revoked_at = 1'),
    says: /access token was revoked/,
  },
  {
    who: 'a refresh token: its user disabled',
    identity: BY_REFRESH_TOKEN,
    begin: () => byRefreshToken(45),
    end: change("update users set state = 'disabled'"),
    says: /alice is disabled/,
  },
  {
    who: 'a robot: disabled',
    identity: byToken(ROBOT),
    begin: robotByToken,
    end: change("update robots set state = 'disabled'"),
    says: /is disabled/,
  },
  {
    who: 'a robot: removed',
    identity: byToken(ROBOT),
    begin: robotByToken,
    end: change('delete from robots'),
    says: /no robot .* any more/,
  },
  {
    who: 'a robot: expired by the clock, its token not',
    identity: byToken(ROBOT),
    begin: robotByToken,
    end: wait(HOUR_MS),
    says: /expired/,
  },
  {
    who: 'a workload: its policy disabled',
    identity: byToken(PIPELINE),
    begin: pipelineByToken,
    end: change("update trust_policies set state = 'disabled'"),
    says: /is disabled/,
  },
  {
    who: 'a workload: its policy changed',
    identity: byToken(PIPELINE),
    begin: pipelineByToken,
    end: change('update trust_policies set epoch = 2'),
    says: /ended/,
  },
  {
    who: 'a workload: its token revoked',
    identity: byToken(PIPELINE),
    begin: pipelineByToken,
    end: change('update access_tokens set revoked_at = 1'),
    says: /token was revoked/,
  },
];

describe('no longer counts', () => {
  test.each(ENDS.map((end) => [end.who, end] as const))('%s', async (_, each) => {
    each.begin();
    await standings.refresh();
    const before = await standings.read(each.identity);
    expect(standings.known(each.identity)).toBe(before);
    each.end();
    standings.changed();
    await standings.refresh();
    expect(standings.known(each.identity)).toBeUndefined();
    const read = standings.read(each.identity);
    await expect(read).rejects.toBeInstanceOf(EndedError);
    await expect(read).rejects.toThrow(each.says);
  });
});

test('a credential of somebody else does not count', async () => {
  insertUser(database);
  database.insert('users', { id: 13, name: 'bob' });
  insertToken(database, { owner_kind: 'user', owner_id: 12 });
  insertSession(database);
  const bob: Principal = { kind: 'user', id: 13, name: 'bob' };
  // The robot of the same number, too.
  insertRobot(database, { id: 12 });
  for (const identity of [
    byToken(bob),
    byToken({ kind: 'robot', id: 12, name: '' }),
    { ...BY_SESSION, principal: bob },
    { ...BY_SESSION, epoch: 2 },
  ]) {
    await expect(standings.read(identity)).rejects.toBeInstanceOf(EndedError);
  }
});

test('a session of another epoch does not count, whatever epoch it is shown with', async () => {
  userBy('session')();
  database.change('update users set epoch = 2');
  await expect(standings.read({ ...BY_SESSION, epoch: 2 })).rejects.toThrow(/session was ended/);
});

test('a token of a user lives on when the password changes', async () => {
  userBy('token')();
  database.change('update users set epoch = 7');
  expect((await standings.read(byToken(ALICE))).principal).toEqual(ALICE);
});

test('a session that was given more time goes on', async () => {
  userBy('session')();
  await standings.refresh();
  await standings.read(BY_SESSION);
  database.write('update sessions set expires_at = ?', START + 3 * HOUR_MS);
  now += 2 * HOUR_MS;
  expect(standings.known(BY_SESSION)).toBeUndefined();
  expect((await standings.read(BY_SESSION)).principal).toEqual(ALICE);
});
