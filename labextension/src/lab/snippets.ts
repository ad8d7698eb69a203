import { splitBucket } from '../api/bucketaddress';
import { lastName, s3Uri } from '../api/keys';
import type { IObjectLocation } from '../drive/documents';
import { pythonString } from '../python';

/** What the code does with an object; `uri` is just its URI. */
export const SNIPPET_FORMS = [
  'pandas',
  'image',
  'tensors',
  'json',
  'text',
  'list',
  'open',
  'download',
  'serve',
  'boto3',
  'uri'
] as const;
export type SnippetForm = (typeof SNIPPET_FORMS)[number];

/** What is known about the connection of an object. */
export interface ISnippetConnection {
  /** The AWS profile that has its endpoint and keys, if any. */
  profile?: string | null;
  /** The Kubernetes Secret that has them, if any. */
  secretName?: string | null;
}

/**
 * Return the forms that suit an object or, with a slash at its end, a folder. The first one is the default. The keys of
 * a named connection are in the kernel only if a profile has them.
 */
export function formsOf(
  key: string,
  bucket = '',
  { profile }: ISnippetConnection = {}
): readonly SnippetForm[] {
  if (isFolder(key)) {
    return ['list', 'download', 'serve', 'uri'];
  }
  const reading = readingForm(key);
  const hasKeys = splitBucket(bucket).connection === '' || profile;
  return [
    ...(reading ? [reading] : []),
    ...(['open', 'download'] as const),
    ...(hasKeys ? (['boto3'] as const) : []),
    'uri'
  ];
}

/** Return code for a notebook. Only `boto3` needs keys in the kernel; all other code uses the server. */
export function snippet(
  { bucket, key }: IObjectLocation,
  form = formsOf(key)[0],
  connection: ISnippetConnection = {}
): string {
  const uri = pythonString(s3Uri(bucket, key));
  const client = (use: string, ...imports: string[]) =>
    [...imports, 'from odhtec_jupyter import Client', '', use].join('\n');
  switch (form) {
    case 'pandas':
      return withPandas(bucket, key);
    case 'image':
      return client(`Image(Client().open(${uri}).read())`, 'from IPython.display import Image');
    case 'tensors':
      return client(`Client().preview(${uri})`);
    case 'json':
      return client(`data = json.load(Client().open(${uri}))`, 'import json', '');
    case 'text':
      return client(`text = Client().open(${uri}, "r").read()`);
    case 'list':
      return client(`Client().ls(${uri})`);
    case 'open':
      return client(`file = Client().open(${uri})`);
    case 'download':
      return client(`Client().download(${uri}, ${pythonString(localName(key))}).wait()`);
    case 'serve':
      return manifest(bucket, key, connection.secretName);
    case 'boto3':
      return withBoto3(bucket, key, connection.profile);
    case 'uri':
      return uri;
  }
}

function isFolder(key: string): boolean {
  return !key || key.endsWith('/');
}

function readingForm(key: string): SnippetForm | null {
  if (pandasCall(key)) {
    return 'pandas';
  }
  switch (extension(key)) {
    case 'png':
    case 'jpg':
    case 'jpeg':
    case 'gif':
    case 'webp':
      return 'image';
    case 'safetensors':
    case 'gguf':
      return 'tensors';
    case 'json':
      return 'json';
    case 'txt':
    case 'md':
    case 'log':
    case 'py':
    case 'yaml':
    case 'yml':
    case 'toml':
    case 'xml':
    case 'html':
    case 'svg':
    case 'sql':
      return 'text';
    default:
      return null;
  }
}

function extension(key: string): string | undefined {
  return /\.([^./]+)$/.exec(key)?.[1].toLowerCase();
}

/** Return the local target: the current folder for a file, a folder with the same name for a folder. */
function localName(key: string): string {
  const name = lastName(key);
  return isFolder(key) && !['', '.', '..', '/'].includes(name) ? name : '.';
}

interface IPandasCall {
  name: string;
  /** Each starts with a comma. */
  options: string;
}

function pandasCall(key: string): IPandasCall | null {
  const gzipped = extension(key) === 'gz';
  const compression = gzipped ? ', compression="gzip"' : '';
  switch (extension(gzipped ? key.slice(0, -3) : key)) {
    case 'csv':
      return { name: 'read_csv', options: compression };
    case 'tsv':
      return { name: 'read_csv', options: `, sep="\\t"${compression}` };
    case 'jsonl':
    case 'ndjson':
      return { name: 'read_json', options: `, lines=True${compression}` };
    case 'parquet':
      return gzipped ? null : { name: 'read_parquet', options: '' };
    default:
      return null;
  }
}

/** Keys that fsspec uses unchanged. In others it reads patterns or chains, or drops empty levels. */
const PLAIN_KEY = /^(?:[\p{L}\p{M}\p{N} _.,=+@()-]+\/)*[\p{L}\p{M}\p{N} _.,=+@()-]+$/u;

function withPandas(bucket: string, key: string): string {
  const { name, options } = pandasCall(key)!;
  const call = (source: string) => `df = pd.${name}(${source}${options})`;
  const pandas = 'import pandas as pd';
  if (PLAIN_KEY.test(key)) {
    return [pandas, '', call(pythonString(`odhtec://${bucket}/${key}`))].join('\n');
  }
  const opened = `Client().open(${pythonString(s3Uri(bucket, key))})`;
  return [pandas, 'from odhtec_jupyter import Client', '', call(opened)].join('\n');
}

/**
 * Return code that reads with boto3, configured by the environment variables of the data connection, or by the profile
 * of a named one.
 */
function withBoto3(address: string, key: string, profile?: string | null): string {
  const { connection, bucket } = splitBucket(address);
  const pandas = pandasCall(key);
  // Reading Parquet needs a seekable file.
  const whole = pandas?.name === 'read_parquet';
  return [
    ...(whole ? ['import io'] : []),
    ...(connection ? [] : ['import os', '']),
    'import boto3',
    ...(pandas ? ['import pandas as pd'] : []),
    '',
    connection
      ? `s3 = boto3.Session(profile_name=${pythonString(profile ?? connection)}).client("s3")`
      : 's3 = boto3.client("s3", endpoint_url=os.environ.get("AWS_S3_ENDPOINT"))',
    `body = s3.get_object(Bucket=${pythonString(bucket)}, Key=${pythonString(key)})["Body"]`,
    pandas
      ? `df = pd.${pandas.name}(${whole ? 'io.BytesIO(body.read())' : 'body'}${pandas.options})`
      : 'data = body.read()'
  ].join('\n');
}

/**
 * Return a KServe manifest for the model in a folder. The slash separates the folder from others whose names start the
 * same.
 */
function manifest(address: string, prefix: string, secretName?: string | null): string {
  // KServe knows no connections, only Secrets of the project.
  const { bucket } = splitBucket(address);
  const secret = /^[a-z0-9.-]+$/.test(secretName ?? '') ? secretName : 'my-storage';
  const yaml = `apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: ${resourceName(lastName(prefix) || bucket)}
  annotations:
    serving.kserve.io/deploymentMode: RawDeployment
spec:
  predictor:
    model:
      modelFormat:
        name: vLLM
      runtime: vllm-runtime
      storageUri: ${pythonString(s3Uri(bucket, prefix))}
      # With a data connection of the project, for its bucket, in the place of storageUri:
      # storage: {key: ${secret}, path: ${pythonString(prefix)}}
      resources:
        limits:
          nvidia.com/gpu: "1"
`;
  return `manifest = """${yaml.replaceAll('\\', '\\\\')}"""\nprint(manifest)`;
}

/** Return a valid Kubernetes name: a DNS label that starts with a letter. */
function resourceName(name: string): string {
  const label = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, 63)
    .replace(/-+$/, '');
  return label || 'model';
}
