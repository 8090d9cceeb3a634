/**
 * Requests through the gateway that runs, and what of them arrives behind it: doctor puts itself in the place of the app
 * (`server/probe.ts`), so that every step before is the real one.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import { keyFileLook } from '../../stores/key-file.ts';
import { KeyRing } from '../../tokens/key-ring.ts';
import { sealer } from '../../tokens/seal.ts';
import { foldFieldName } from '../../wire/field-names.ts';
import { cidrMatcher } from '../../wire/cidr.ts';
import { type ProbeKind, probeField, probeToken } from '../../server/probe.ts';
import { type Check, type Env, fail, type Finding, pass, reasonOf, unknown } from '../check.ts';
import { type Answered, exchange } from '../connect.ts';
import { type Echo, greeting, nonceParameter, startEcho } from '../echo.ts';
import { type Entrance, entrances, entranceText } from '../entrances.ts';
import { isWide } from './trust.ts';

/** Whether what clients send reaches the app as it should, and nothing else does. */
export const throughGateway: Check = {
  id: 'through-gateway',
  title: 'requests pass through the gateway, upgrades too, and forged headers do not',
  sides: ['gateway'],
  finds: {
    'gateway-answers': 'what answers at an address of the gateway is not the gateway with these keys',
    'forged-header': 'a header that says who somebody is arrives at the app as the client wrote it',
    'forged-identity': 'a client is somebody by writing a header',
    upgrade: 'a WebSocket does not get through',
  },
  async run(env) {
    const keys = keyFileLook(env.loaded.config.state, () => {})();
    const all = await entrances(env);
    if (keys === undefined)
      return [
        unknown(
          {
            id: 'gateway-answers',
            about: 'the gateway',
            tried: `reading keys.json in ${env.loaded.config.state}`,
            seen: 'there is none that this user may use',
          },
          "Run it as the gateway's user, on the gateway's machine, after the first start.",
        ),
      ];
    if (all.length === 0) {
      const about = { id: 'gateway-answers', about: 'the gateway', tried: 'finding a way in' };
      return [
        env.urls.length === 0
          ? unknown({ ...about, seen: 'listen has none to try' }, 'Name one: --url https://desk.corp.example')
          : unknown(
              { ...about, seen: 'no name in --url is the host of an app and leads to an address' },
              'Correct --url or DNS, or name the address as well: --target 10.0.0.5',
            ),
      ];
    }
    const echo = await startEcho();
    try {
      const ring = new KeyRing(keys);
      const asked = all.map((entrance) => examine({ env, entrance, echo, ring }));
      return (await Promise.all(asked)).flat();
    } finally {
      await echo.close();
    }
  },
};

interface Probing {
  readonly env: Env;
  readonly entrance: Entrance;
  readonly echo: Echo;
  readonly ring: KeyRing;
}

async function examine(probing: Probing): Promise<readonly Finding[]> {
  const { env, entrance } = probing;
  const about = { about: entrance.app.name, tried: `a marked request to ${entranceText(entrance)}` };
  const reached = { id: 'gateway-answers', ...about };
  const forged = forgery(entrance);
  let sent: Sent;
  try {
    sent = await send(probing, 'anybody', forged.fields);
  } catch (error) {
    return [
      fail({ ...reached, seen: reasonOf(error) }, 'Start the gateway, or correct listen (or --url) and the firewall.'),
    ];
  }
  if (sent.arrived === undefined) {
    const { status } = sent.answer;
    const seen = `it was answered with ${status}, and did not come through`;
    if (entrance.listener === undefined && env.loaded.config.forward_auth.length > 0)
      return [
        unknown(
          { ...reached, seen: `${seen}: the proxy in front asks the gateway, and forwards by itself` },
          'See by a request with forged headers what that proxy sends to the app; the listener of the gateway is tried without --url.',
        ),
      ];
    return [
      fail(
        { ...reached, seen },
        "Something else answers there, a gateway with other keys or another configuration, or a proxy in front that does not pass everything on. Let all of the app's names lead to this gateway alone.",
      ),
    ];
  }
  return [
    pass({ ...reached, seen: 'it came through the gateway with these keys' }),
    // Where nobody signs in, requests go on as they come, and no header is believed.
    ...(entrance.app.sign_in === 'none' ? [] : [judgeForged(probing, sent, forged)]),
    ...(await judgeIdentity(probing, forged)),
    await judgeUpgrade(probing),
  ];
}

/** The fields that a forger would write, with a value by which they are known again. */
interface Forgery {
  readonly mark: string;
  readonly fields: readonly string[];
}

function forgery({ app }: Entrance): Forgery {
  const mark = `cardea-doctor-${randomBytes(6).toString('hex')}`;
  const names = Object.values(app.headers).filter((name) => name !== false);
  const spelled = names.flatMap((name) => [name, name.replaceAll('-', '_'), name.toLowerCase().replaceAll('-', '.')]);
  const usual = ['Remote-User', 'X-Remote-User', 'X-Forwarded-User', 'X-Auth-Request-User', 'X-Original-URL'];
  return { mark, fields: [...new Set([...spelled, ...usual])].flatMap((name) => [name, mark]) };
}

function judgeForged({ entrance }: Probing, { arrived = [] }: Sent, { mark, fields }: Forgery): Finding {
  const count = fields.length / 2;
  const about = {
    id: 'forged-header',
    about: entrance.app.name,
    tried: `${count} headers that claim an identity, sent to ${entranceText(entrance)}`,
  };
  const through = arrived.filter((_, i) => i % 2 === 0 && arrived[i + 1]?.includes(mark));
  if (through.length === 0) return pass({ ...about, seen: 'none of them arrived' });
  return fail(
    { ...about, seen: `${through.join(', ')} arrived as it was sent` },
    'Restart the gateway with this configuration: the one that runs does not know these names.',
  );
}

/** Whether a header alone makes a client somebody. */
async function judgeIdentity(probing: Probing, { mark }: Forgery): Promise<readonly Finding[]> {
  const { env, entrance } = probing;
  if (entrance.app.sign_in === 'none') return [];
  const { sign_in: entries } = env.loaded.config;
  const headers = entries.flatMap(({ trusted_header: trusted }) => (trusted === undefined ? [] : [trusted]));
  // One of these says who somebody is without any header: that is a finding of its own.
  if (entries.some(({ development }) => development !== undefined)) return [];
  const usual = ['X-Remote-User', 'Remote-User', 'X-Forwarded-User'];
  const names = [...new Set([...headers.map(({ header }) => header), ...usual].map((name) => name))];
  const distinct = names.filter(
    (name, i) => names.findIndex((one) => foldFieldName(one) === foldFieldName(name)) === i,
  );
  const about = {
    id: 'forged-identity',
    about: entrance.app.name,
    tried: `${distinct.join(', ')} with a name of our own, sent to ${entranceText(entrance)}`,
  };
  let sent: Sent;
  try {
    sent = await send(
      probing,
      'signed-in',
      distinct.flatMap((name) => [name, `DOCTOR\\${mark}`]),
    );
  } catch (error) {
    return [unknown({ ...about, seen: reasonOf(error) }, 'Try again.')];
  }
  if (sent.arrived === undefined) return [pass({ ...about, seen: 'nobody was signed in by them' })];
  const direct = entrance.listener !== undefined;
  const peers = headers.filter(({ from }) => direct && cidrMatcher(from)(sent.answer.from));
  if (peers.some(({ from }) => !from.some(isWide)))
    return [
      unknown(
        { ...about, seen: `they were believed, and ${sent.answer.from} is one of the peers that may speak for people` },
        'Try the way that people take: --url https://desk.corp.example, through the server that signs them in.',
      ),
    ];
  return [
    fail(
      { ...about, seen: 'the client was taken for the person that it named' },
      'Let trusted_header.from name the server in front alone, and let that server remove what clients send.',
    ),
  ];
}

async function judgeUpgrade(probing: Probing): Promise<Finding> {
  const { entrance } = probing;
  const about = { id: 'upgrade', about: entrance.app.name, tried: `a WebSocket to ${entranceText(entrance)}` };
  const fields = [
    'Connection',
    'Upgrade',
    'Upgrade',
    'websocket',
    'Sec-WebSocket-Version',
    '13',
    'Sec-WebSocket-Key',
    randomBytes(16).toString('base64'),
    'Origin',
    entrance.url.origin,
  ];
  const todo =
    'Let the proxy in front pass on upgrades: for nginx proxy_http_version 1.1 and the headers Upgrade and Connection.';
  try {
    const { answer, arrived } = await send(probing, 'anybody', fields);
    if (answer.upgraded?.includes(greeting) === true)
      return pass({ ...about, seen: 'it was opened, and the first message came back' });
    const how = arrived === undefined ? 'it did not come through' : 'it came through as an ordinary request';
    return fail({ ...about, seen: `it was answered with ${answer.status}: ${how}` }, todo);
  } catch (error) {
    return fail({ ...about, seen: reasonOf(error) }, todo);
  }
}

interface Sent {
  readonly answer: Answered;
  /** What came through; `undefined`: nothing did. */
  readonly arrived: readonly string[] | undefined;
}

async function send({ env, entrance, echo, ring }: Probing, kind: ProbeKind, fields: readonly string[]): Promise<Sent> {
  const nonce = randomBytes(9).toString('hex');
  const url = new URL(entrance.url);
  url.searchParams.set(nonceParameter, nonce);
  // The clock of the gateway's own machine: this check runs there alone.
  const token = probeToken(sealer(ring, 'probe'), { kind, port: echo.port }, Date.now());
  const answer = await exchange({ place: entrance.place, url, fields: [probeField, token, ...fields] }, env.attemptMs);
  return { answer, arrived: echo.arrived(nonce) };
}
