import { lastName, s3Uri } from '../api/keys';
import type { IObjectLocation } from '../drive/documents';
import { pythonString } from '../python';

/** What a line does with an object; `uri` is its name alone. */
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

/** The lines that fit an object or, with a slash at its end, a folder; the first one is what is inserted unasked. */
export function formsOf(key: string): readonly SnippetForm[] {
  if (isFolder(key)) {
    return ['list', 'download', 'serve', 'uri'];
  }
  const reading = readingForm(key);
  return [...(reading ? [reading] : []), 'open', 'download', 'boto3', 'uri'];
}

/** Code for a notebook. Only `boto3` needs keys in the kernel; everything else asks the server. */
export function snippet({ bucket, key }: IObjectLocation, form = formsOf(key)[0]): string {
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
      return manifest(bucket, key);
    case 'boto3':
      return withBoto3(bucket, key);
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

/** A file goes into the folder where the kernel is; a folder into one that has its name. */
function localName(key: string): string {
  const name = lastName(key);
  return isFolder(key) && !['', '.', '..', '/'].includes(name) ? name : '.';
}

interface IPandasCall {
  name: string;
  /** With a comma before each. */
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

/** Names that fsspec takes to the letter: others mean patterns or chains to it, or levels that it drops. */
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

/** With the names of the data connection in the kernel's environment. */
function withBoto3(bucket: string, key: string): string {
  const pandas = pandasCall(key);
  // Parquet is read from its end.
  const whole = pandas?.name === 'read_parquet';
  return [
    ...(whole ? ['import io'] : []),
    'import os',
    '',
    'import boto3',
    ...(pandas ? ['import pandas as pd'] : []),
    '',
    's3 = boto3.client("s3", endpoint_url=os.environ.get("AWS_S3_ENDPOINT"))',
    `body = s3.get_object(Bucket=${pythonString(bucket)}, Key=${pythonString(key)})["Body"]`,
    pandas
      ? `df = pd.${pandas.name}(${whole ? 'io.BytesIO(body.read())' : 'body'}${pandas.options})`
      : 'data = body.read()'
  ].join('\n');
}

/** What KServe is told of the model in a folder; the slash keeps it from another one whose name begins the same. */
function manifest(bucket: string, prefix: string): string {
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
      # storage: {key: my-storage, path: ${pythonString(prefix)}}
      resources:
        limits:
          nvidia.com/gpu: "1"
`;
  return `manifest = """${yaml.replaceAll('\\', '\\\\')}"""\nprint(manifest)`;
}

/** As Kubernetes wants names: a label of DNS that begins with a letter. */
function resourceName(name: string): string {
  const label = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, 63)
    .replace(/-+$/, '');
  return label || 'model';
}
