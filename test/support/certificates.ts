import { isIP } from 'node:net';

import { generate } from 'selfsigned';

/** A certificate and its key, as PEM; fit to be spread into `tlsOptions`. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

export interface LeafOptions {
  /** Names and addresses that it is made out to; by default those of this machine. */
  readonly names?: readonly string[];
  /** When it begins and ends to be valid; by default from yesterday for a year. */
  readonly from?: Date;
  readonly to?: Date;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const KEYS = { keyType: 'ec', algorithm: 'sha256' } as const;

function daysFromNow(days: number): Date {
  return new Date(Date.now() + days * DAY_MS);
}

/** An authority that signs certificates; trusted by whoever has its `cert` as `ca`. */
export class Authority {
  private constructor(private readonly identity: Identity) {}

  static async create(name: string): Promise<Authority> {
    const pems = await generate([{ name: 'commonName', value: name }], {
      ...KEYS,
      notBeforeDate: daysFromNow(-1),
      extensions: [
        { name: 'basicConstraints', cA: true, critical: true },
        { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
      ],
    });
    return new Authority({ cert: pems.cert, key: pems.private });
  }

  get cert(): string {
    return this.identity.cert;
  }

  /** A certificate that is good for servers and clients. */
  async sign(commonName: string, options: LeafOptions = {}): Promise<Identity> {
    const { names = ['localhost', '127.0.0.1'], from = daysFromNow(-1), to = daysFromNow(365) } = options;
    const pems = await generate([{ name: 'commonName', value: commonName }], {
      ...KEYS,
      ca: { cert: this.identity.cert, key: this.identity.key },
      notBeforeDate: from,
      notAfterDate: to,
      extensions: [
        { name: 'basicConstraints', cA: false, critical: true },
        { name: 'keyUsage', digitalSignature: true, critical: true },
        { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
        {
          name: 'subjectAltName',
          altNames: names.map((name) => (isIP(name) ? { type: 7, ip: name } : { type: 2, value: name })),
        },
      ],
    });
    return { cert: pems.cert, key: pems.private };
  }
}

/** Made once for a test file, all of EC keys: some milliseconds each. */
async function make() {
  const [authority, otherAuthority] = await Promise.all([Authority.create('Good CA'), Authority.create('Other CA')]);
  const past = { from: daysFromNow(-20), to: daysFromNow(-10) };
  const future = { from: daysFromNow(10), to: daysFromNow(20) };
  return {
    otherAuthority,
    ca: authority.cert,
    otherCa: otherAuthority.cert,
    server: await authority.sign('server'),
    /** The next one of the same server. */
    newServer: await authority.sign('new server'),
    /** Made out to another host, and to no address. */
    elsewhere: await authority.sign('elsewhere', { names: ['elsewhere.example'] }),
    client: await authority.sign('client'),
    newClient: await authority.sign('new client'),
    expired: await authority.sign('expired', past),
    notYetValid: await authority.sign('not yet valid', future),
    /** Signed by the authority that nobody here trusts. */
    stranger: await otherAuthority.sign('stranger'),
  };
}

export type Certificates = Awaited<ReturnType<typeof make>>;

let made: Promise<Certificates> | undefined;

export function certificates(): Promise<Certificates> {
  made ??= make();
  return made;
}
