// The server under test: CRESCENT_GRPC is host:port, CRESCENT_HTTP a URL, CRESCENT_API_KEY a key where it has keys.
// The protocols of health and reflection come from their own packages, so that a wrong number in ours is seen.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const require = createRequire(import.meta.url);
const here = dirname(fileURLToPath(import.meta.url));
const proto = join(here, '../../../src/Crescent.Gateway/Grpc/inference.proto');
const reflectionProtos = join(dirname(require.resolve('@grpc/reflection')), '../proto/grpc/reflection');
const healthProto = join(dirname(require.resolve('grpc-health-check')), '../../proto/health/v1/health.proto');

export const { status: Status, credentials, Metadata } = grpc;
export const address = required('CRESCENT_GRPC');
export const httpUrl = required('CRESCENT_HTTP');
export const apiKey = process.env.CRESCENT_API_KEY;
export const loaderOptions = { keepCase: true, longs: String, enums: String, defaults: true, oneofs: true };

const insecure = credentials.createInsecure();

export const Inference = load(proto).crescent.v1.Inference;
const Health = load(healthProto).grpc.health.v1.Health;

export const connect = (options = {}) => new Inference(address, insecure, options);
export const connectHealth = () => new Health(address, insecure);
export const connectReflection = (version) =>
  new (load(join(reflectionProtos, version, 'reflection.proto')).grpc.reflection[version].ServerReflection)(address, insecure);

/** The metadata every call to the inference service needs. */
export function metadata(key = apiKey) {
  const result = new Metadata();
  if (key !== undefined) {
    result.set('authorization', `Bearer ${key}`);
  }
  return result;
}

/** One unary call; rejects with grpc-js's error: code, details, metadata. */
export const call = (client, method, request, options = {}) =>
  new Promise((resolve, reject) =>
    client[method](request, metadata(), options, (error, response) => (error ? reject(error) : resolve(response))));

/** Reads a stream to its end. Never rejects: a failure is in `error`, beside what came before it. */
export const collect = (stream) =>
  new Promise((resolve) => {
    const messages = [];
    let error = null;
    stream.on('data', (message) => messages.push(message));
    stream.on('error', (e) => { error = e; });
    stream.on('status', (status) => setImmediate(() => resolve({ messages, error, status })));
  });

/** Generates to the end. */
export async function generate(client, request, options = {}) {
  const { messages, error, status } = await collect(client.generate(request, metadata(), options));
  const chunks = messages.filter((m) => m.part === 'chunk').map((m) => m.chunk);
  const summaries = messages.filter((m) => m.part === 'summary').map((m) => m.summary);
  return { messages, chunks, summaries, summary: summaries[0], text: textOf(chunks), error, status };
}

/** A generation that is refused or fails; answers with its error. */
export async function refusal(client, request) {
  const { error, messages } = await generate(client, request);
  if (error === null) {
    throw new Error(`The request was served: ${JSON.stringify(messages).slice(0, 200)}`);
  }
  return error;
}

export const textOf = (chunks, choice = 0) => chunks.filter((c) => c.choice === choice).map((c) => c.text).join('');
export const tokensOf = (chunks, choice = 0) => chunks.filter((c) => c.choice === choice).flatMap((c) => c.tokens);

/** The model the tests use, and a request that always gives the same text. */
export async function firstModel(client) {
  const { models } = await call(client, 'listModels', {});
  return models[0];
}

export const greedy = (model, more = {}) => ({
  model: model.id,
  input: { text: 'Once upon a time' },
  sampling: { temperature: 0 },
  max_tokens: 24,
  ignore_eos: true,
  ...more,
});

/** Waits for something that happens in the server; fails when it does not. */
export async function until(condition, what) {
  const end = Date.now() + 30_000;
  while (!(await condition())) {
    if (Date.now() > end) {
      throw new Error(`It did not happen: ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function load(file) {
  return grpc.loadPackageDefinition(loadSync(file, loaderOptions));
}

function required(name) {
  const value = process.env[name];
  if (!value) {
    throw new Error(`${name} is not set: it is an address of the server under test.`);
  }
  return value;
}
