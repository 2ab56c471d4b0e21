// How this broker reaches others: by the listener of inter.broker.listener.name, in its protocol. With SASL it logs in as the
// administrator of the settings, which is a super user (decision 51); with TLS it trusts the authorities of
// ssl.truststore.location, else those of the host, and shows its own certificate to a listener that asks for one.
import type { Address, BrokerId, Host } from '@milepost/core';
import type { BrokerState, ClusterImage } from '@milepost/metadata';
import { PeerConnection, type PeerLogin, PeerUnreachable } from '@milepost/peer';
import { logInByScram, unpredictable } from '@milepost/security';
import { isWithSasl, isWithTls } from '../security/listeners.ts';
import type { SecuritySettings } from '../security/security-settings.ts';
import type { Login } from '../security/stored-users.ts';
import type { Tls } from '../security/tls.ts';

export interface InterBrokerDeps {
  readonly host: Pick<Host, 'clock' | 'network' | 'random' | 'keys'>;
  readonly settings: SecuritySettings;
  /** Checked at the start: it is there if brokers log in. */
  readonly admin: Login | undefined;
  readonly image: () => ClusterImage;
  readonly tls: Tls | undefined;
}

export class InterBroker {
  readonly #deps: InterBrokerDeps;

  constructor(deps: InterBrokerDeps) {
    this.#deps = deps;
  }

  addressOf({ listeners, host, port }: BrokerState): Address {
    return listeners?.[this.#deps.settings.interBroker.listener.name] ?? { host, port };
  }

  /** Made on first use. @throws PeerUnreachable while the broker is not registered. */
  connectTo(broker: BrokerId, options: { readonly clientId: string; readonly timeoutMs: number }): PeerConnection {
    const { host, settings, image, tls } = this.#deps;
    const registered = image().brokers.get(broker);
    if (!registered) throw new PeerUnreachable(`broker ${broker} is not registered`);
    const { listener } = settings.interBroker;
    return new PeerConnection(this.addressOf(registered), {
      ...options,
      network: host.network,
      clock: host.clock,
      tls: isWithTls(listener) ? tls?.client() : undefined,
      login: isWithSasl(listener) ? this.#login() : undefined,
    });
  }

  #login(): PeerLogin | undefined {
    const { host, settings, admin } = this.#deps;
    const { mechanism } = settings.interBroker;
    return (
      admin && {
        mechanism,
        run: (exchange) =>
          logInByScram(
            { mechanism, ...admin },
            unpredictable(host.random),
            (...input) => host.keys.pbkdf2(...input),
            exchange,
          ),
      }
    );
  }
}
