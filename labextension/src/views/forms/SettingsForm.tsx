import type { TranslationBundle } from '@jupyterlab/translation';

import type {
  BandwidthSettings,
  ConcurrencySettings,
  HubSettings,
  HubSettingsChange,
  ProxySettings,
  ProxySettingsChange,
  S3Settings,
  S3SettingsChange,
  TestReply
} from '../../tokens';
import { SettingsSection } from './SettingsSection';

/** The endpoints of the settings. */
export interface ISettingsServer {
  getS3Settings(): Promise<S3Settings>;
  setS3Settings(change: S3SettingsChange): Promise<unknown>;
  testS3Settings(change: S3SettingsChange): Promise<TestReply>;
  getHubSettings(): Promise<HubSettings>;
  setHubSettings(change: HubSettingsChange): Promise<unknown>;
  testHubSettings(change: HubSettingsChange): Promise<TestReply>;
  getProxySettings(): Promise<ProxySettings>;
  setProxySettings(change: ProxySettingsChange): Promise<unknown>;
  testProxySettings(change: ProxySettingsChange): Promise<TestReply>;
  getConcurrency(): Promise<ConcurrencySettings>;
  setConcurrency(change: ConcurrencySettings): Promise<ConcurrencySettings>;
  getBandwidth(): Promise<BandwidthSettings>;
  setBandwidth(change: BandwidthSettings): Promise<BandwidthSettings>;
}

const BYTES_PER_MB = 1e6;
const MAX_MB_PER_SECOND = 1e6;

export interface ISettingsFormProps {
  server: ISettingsServer;
  onS3Saved: () => void;
  onConcurrencySaved: (files: number) => void;
  trans: TranslationBundle;
}

export function SettingsForm(props: ISettingsFormProps): JSX.Element {
  const { server, trans } = props;
  return (
    <div className="odhtec-Settings">
      <SettingsSection
        title={trans.__('S3 connection')}
        trans={trans}
        load={async () => {
          const s3 = await server.getS3Settings();
          return {
            values: {
              endpoint: s3.endpoint ?? '',
              region: s3.region ?? '',
              defaultBucket: s3.defaultBucket ?? '',
              accessKeyId: s3.accessKeyId ?? ''
            },
            fields: [
              { name: 'endpoint', label: trans.__('Endpoint'), placeholder: trans.__('Amazon S3') },
              { name: 'region', label: trans.__('Region') },
              { name: 'defaultBucket', label: trans.__('Default bucket') },
              { name: 'accessKeyId', label: trans.__('Access key ID') },
              {
                name: 'secretAccessKey',
                label: trans.__('Secret access key'),
                secret: { isSet: s3.secretAccessKeySet }
              },
              {
                name: 'sessionToken',
                label: trans.__('Session token'),
                secret: { isSet: s3.sessionTokenSet }
              }
            ]
          };
        }}
        save={async changes => {
          await server.setS3Settings(changes);
          props.onS3Saved();
        }}
        test={async changes => (await server.testS3Settings(changes)).message}
      />
      <SettingsSection
        title={trans.__('Hugging Face')}
        trans={trans}
        load={async () => {
          const hub = await server.getHubSettings();
          return {
            values: { hfEndpoint: hub.hfEndpoint },
            fields: [
              { name: 'hfEndpoint', label: trans.__('Endpoint') },
              {
                name: 'hfToken',
                label: hub.hfTokenFrom
                  ? trans.__('Token (from %1)', hub.hfTokenFrom)
                  : trans.__('Token'),
                secret: { isSet: hub.hfTokenSet }
              }
            ]
          };
        }}
        save={async changes => {
          await server.setHubSettings(changes);
        }}
        test={async changes => (await server.testHubSettings(changes)).message}
      />
      <SettingsSection
        title={trans.__('Proxy')}
        trans={trans}
        load={async () => {
          const proxy = await server.getProxySettings();
          return {
            values: {
              httpProxy: proxy.httpProxy ?? '',
              httpsProxy: proxy.httpsProxy ?? '',
              noProxy: proxy.noProxy ?? ''
            },
            fields: [
              { name: 'httpProxy', label: trans.__('HTTP proxy') },
              { name: 'httpsProxy', label: trans.__('HTTPS proxy') },
              { name: 'noProxy', label: trans.__('No proxy for') }
            ]
          };
        }}
        save={async changes => {
          await server.setProxySettings(changes);
        }}
        test={async changes => (await server.testProxySettings(changes)).message}
      />
      <SettingsSection
        title={trans.__('Concurrency')}
        trans={trans}
        load={async () => {
          const { maxConcurrentTransfers } = await server.getConcurrency();
          return {
            values: { files: String(maxConcurrentTransfers) },
            fields: [
              {
                name: 'files',
                label: trans.__('Files over 8 MB in parallel (1 to 64)'),
                number: { min: 1, max: 64 }
              }
            ]
          };
        }}
        save={async ({ files }) => {
          const saved = await server.setConcurrency({ maxConcurrentTransfers: Number(files) });
          props.onConcurrencySaved(saved.maxConcurrentTransfers);
        }}
      />
      <SettingsSection
        title={trans.__('Bandwidth')}
        trans={trans}
        load={async () => {
          const { maxBandwidth } = await server.getBandwidth();
          return {
            values: { limit: maxBandwidth ? String(maxBandwidth / BYTES_PER_MB) : '' },
            fields: [
              {
                name: 'limit',
                label: trans.__('Limit for all transfers together (MB/s)'),
                placeholder: trans.__('No limit'),
                number: { min: 0, max: MAX_MB_PER_SECOND, step: 'any', isOptional: true }
              }
            ]
          };
        }}
        save={async ({ limit }) => {
          const bytes = Number(limit) * BYTES_PER_MB;
          // Less than a byte is too low a limit, and not 0, which is none.
          await server.setBandwidth({
            maxBandwidth: bytes > 0 ? Math.max(1, Math.round(bytes)) : 0
          });
        }}
      />
    </div>
  );
}
