import { describe, expect, it } from 'vitest';

import { formsOf, snippet, type SnippetForm } from './snippets';

const ODD = 'a "quoted" \\ name\n😀 \u202e\u2028.csv';
const ODD_LITERAL = 'a \\"quoted\\" \\\\ name\\n😀 \\u202e\\u2028.csv';

const lines = (key: string, form?: SnippetForm) => snippet({ bucket: 'b', key }, form).split('\n');

describe('snippets for a named connection', () => {
  const location = { bucket: 'archive@b', key: 'd/a.csv' };

  it('name the connection in URIs', () => {
    expect(snippet(location, 'uri')).toBe('"s3://archive@b/d/a.csv"');
    expect(snippet(location, 'pandas')).toContain('odhtec://archive@b/d/a.csv');
  });

  it('use boto3 only with a profile, never with the keys of the data connection', () => {
    expect(formsOf(location.key, location.bucket)).not.toContain('boto3');
    expect(formsOf(location.key, location.bucket, { profile: 'work' })).toContain('boto3');
    const code = snippet(location, 'boto3', { profile: 'work' });
    expect(code).toContain('boto3.Session(profile_name="work").client("s3")');
    expect(code).toContain('Bucket="b"');
    expect(code).not.toContain('AWS_S3_ENDPOINT');
  });

  it('serve a model with the Secret of the connection', () => {
    const code = snippet({ bucket: 'archive@b', key: 'm/' }, 'serve', {
      secretName: 'archive-keys'
    });
    expect(code).toContain('storageUri: "s3://b/m/"');
    expect(code).toContain('key: archive-keys');
  });
});

describe('formsOf', () => {
  it('offers suitable forms, the best first', () => {
    expect(formsOf('d/a.csv')).toEqual(['pandas', 'open', 'download', 'boto3', 'uri']);
    expect(formsOf('d/a.csv/')).toEqual(['list', 'download', 'serve', 'uri']);
    const first = [
      'a.jsonl.gz',
      'a.PNG',
      'w.safetensors',
      'q.gguf',
      'a.json',
      'README.md',
      'a.bin'
    ];
    expect(first.map(key => formsOf(key)[0])).toEqual([
      'pandas',
      'image',
      'tensors',
      'tensors',
      'json',
      'text',
      'open'
    ]);
    expect(['csv', 'a.parquet.gz', 'a.png/b', '.gz'].map(key => formsOf(key)[0])).toEqual(
      Array(4).fill('open')
    );
  });
});

describe('snippet', () => {
  it('reads tables with pandas, through the server', () => {
    const pandas = 'import pandas as pd';
    expect(lines('d/a.csv')).toEqual([pandas, '', 'df = pd.read_csv("odhtec://b/d/a.csv")']);
    const calls = ['a.tsv', 'a.ndjson.gz', '日本 (1).PARQUET'].map(key => lines(key).pop());
    expect(calls).toEqual([
      'df = pd.read_csv("odhtec://b/a.tsv", sep="\\t")',
      'df = pd.read_json("odhtec://b/a.ndjson.gz", lines=True, compression="gzip")',
      'df = pd.read_parquet("odhtec://b/日本 (1).PARQUET")'
    ]);
  });

  it('opens keys that fsspec would interpret through the client', () => {
    for (const key of ['a*.csv', 'a::b.csv', '/a.csv', 'a//b.csv', 'a[1].csv', 'a#b?.csv', ODD]) {
      expect(lines(key)[1]).toBe('from odhtec_jupyter import Client');
      expect(lines(key)[3]).toMatch(/^df = pd.read_csv\(Client\(\).open\("s3:\/\/b\/.*"\)\)$/);
    }
    expect(lines(ODD)[3]).toContain(`"s3://b/${ODD_LITERAL}"`);
  });

  it('uses the client for everything else', () => {
    const client = 'from odhtec_jupyter import Client';
    expect(lines('a.png')).toEqual([
      'from IPython.display import Image',
      client,
      '',
      'Image(Client().open("s3://b/a.png").read())'
    ]);
    expect(lines('w.gguf')).toEqual([client, '', 'Client().preview("s3://b/w.gguf")']);
    expect(lines('a.json').pop()).toBe('data = json.load(Client().open("s3://b/a.json"))');
    expect(lines('a.md').pop()).toBe('text = Client().open("s3://b/a.md", "r").read()');
    expect(lines('a.bin').pop()).toBe('file = Client().open("s3://b/a.bin")');
    expect(lines('d/a.bin', 'download').pop()).toBe(
      'Client().download("s3://b/d/a.bin", ".").wait()'
    );
    expect(lines('d/e/', 'download').pop()).toBe('Client().download("s3://b/d/e/", "e").wait()');
    expect(lines('d/../', 'download').pop()).toContain(', ".")');
    expect(lines('d/e/').pop()).toBe('Client().ls("s3://b/d/e/")');
  });

  it('writes any key as a literal', () => {
    expect(lines(ODD, 'uri')).toEqual([`"s3://b/${ODD_LITERAL}"`]);
    expect(lines(ODD, 'open').pop()).toBe(`file = Client().open("s3://b/${ODD_LITERAL}")`);
    expect(lines(ODD, 'boto3')).toContain(
      `body = s3.get_object(Bucket="b", Key="${ODD_LITERAL}")["Body"]`
    );
    expect(lines('\u{e0041}', 'uri')).toEqual(['"s3://b/\\U000e0041"']);
  });

  it('reads with boto3 by the names of the environment', () => {
    expect(lines('d/a.csv', 'boto3')).toEqual([
      'import os',
      '',
      'import boto3',
      'import pandas as pd',
      '',
      's3 = boto3.client("s3", endpoint_url=os.environ.get("AWS_S3_ENDPOINT"))',
      'body = s3.get_object(Bucket="b", Key="d/a.csv")["Body"]',
      'df = pd.read_csv(body)'
    ]);
    expect(lines('a.parquet', 'boto3')).toContain('df = pd.read_parquet(io.BytesIO(body.read()))');
    expect(lines('a.bin', 'boto3').pop()).toBe('data = body.read()');
  });

  it('writes a KServe manifest for a folder', () => {
    const code = snippet({ bucket: 'b', key: 'org/All_MiniLM-L6.v2/' }, 'serve');
    expect(code).toContain('\n  name: all-minilm-l6-v2\n');
    expect(code).toContain('\n      storageUri: "s3://b/org/All_MiniLM-L6.v2/"\n');
    expect(snippet({ bucket: 'b', key: '1"""\\/' }, 'serve')).toContain(
      'storageUri: "s3://b/1\\\\"\\\\"\\\\"\\\\\\\\/"\n'
    );
    expect(snippet({ bucket: 'b', key: '😀/' }, 'serve')).toContain('  name: model\n');
  });
});
