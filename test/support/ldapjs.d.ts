// What the tests use of ldapjs, which brings no types.
declare module 'ldapjs' {
  import type { AddressInfo, Server as NetServer } from 'node:net';

  interface Request {
    readonly dn: { toString(): string };
    readonly credentials: string;
    readonly scope: string | number;
    readonly sizeLimit: number;
    readonly filter: { matches(entry: Record<string, unknown>): boolean };
    readonly connection: { readonly ldap: { readonly bindDN: { toString(): string } } };
  }

  interface Response {
    readonly attributes: string[];
    send(entry: { dn: string; attributes: Record<string, unknown> }): void;
    end(): void;
  }

  type Handler = (request: Request, response: Response, next: (error?: Error) => void) => void;

  interface Server {
    readonly server: NetServer;
    bind(base: string, handler: Handler): void;
    search(base: string, handler: Handler): void;
    listen(port: number, host: string, listening: () => void): void;
    close(closed: () => void): void;
    address(): AddressInfo;
  }

  type LdapErrorClass = new (message?: string) => Error;

  const ldapjs: {
    createServer(): Server;
    readonly InvalidCredentialsError: LdapErrorClass;
    readonly NoSuchObjectError: LdapErrorClass;
    readonly SizeLimitExceededError: LdapErrorClass;
    readonly InsufficientAccessRightsError: LdapErrorClass;
  };
  export default ldapjs;
}
