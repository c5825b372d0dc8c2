import assert from 'node:assert/strict';
import http2 from 'node:http2';
import { after, before, test } from 'node:test';
import grpc from '@grpc/grpc-js';
import {
  address, apiKey, call, connect, firstModel, generate, greedy, Inference, metadata, refusal, Status,
} from './server.js';

let client;
let model;

before(async () => {
  client = connect();
  model = await firstModel(client);
});

after(() => client.close());

/** One request with headers of our own choice; nothing in the client enforces them. */
function raw(path, headers, body) {
  return new Promise((resolve, reject) => {
    const session = http2.connect(`http://${address}`);
    session.on('error', reject);
    const request = session.request({
      ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers', ...headers,
    });
    let answer = {};
    request.on('response', (h) => { answer = { ...answer, ...h }; });
    request.on('trailers', (h) => { answer = { ...answer, ...h }; });
    request.on('error', reject);
    request.on('close', () => { session.close(); resolve(answer); });
    request.resume();
    request.end(body);
  });
}

function frame(message) {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

const generateBytes = (request) => frame(Inference.service.Generate.requestSerialize(request));
const keyHeader = apiKey ? { authorization: `Bearer ${apiKey}` } : {};

const invalid = [
  ['no input', { input: undefined }, 'input'],
  ['a negative temperature', { sampling: { temperature: -1 } }, 'temperature'],
  ['a temperature that is not a number', { sampling: { temperature: NaN } }, 'temperature'],
  ['top_p over 1', { sampling: { top_p: 1.5 } }, 'top_p'],
  ['a repetition penalty of 0', { sampling: { repetition_penalty: 0 } }, 'repetition_penalty'],
  ['max_tokens of 0', { max_tokens: 0 }, 'max_tokens'],
  ['max_tokens over the context', { max_tokens: 100_000_000 }, 'max_tokens'],
  ['n of 0', { n: 0 }, 'n'],
  ['a huge n', { n: 1_000_000 }, 'n'],
  ['10,000 stop strings', { stop: Array.from({ length: 10_000 }, (_, i) => `stop ${i}`) }, 'stop'],
  ['an empty stop string', { stop: [''] }, 'stop'],
  ['21 top log probabilities', { top_logprobs: 21 }, 'top_logprobs'],
  ['a token id outside the vocabulary', { input: { tokens: { ids: [100_000_000] } } }, 'prompt'],
  ['a negative stop token id', { stop_token_ids: [-1] }, 'stop_token_ids'],
];

for (const [name, change, param] of invalid) {
  test(`${name} is INVALID_ARGUMENT and names the field`, async () => {
    const error = await refusal(client, greedy(model, change));

    assert.equal(error.code, Status.INVALID_ARGUMENT, error.details);
    assert.deepEqual(error.metadata.get('error-param'), [param]);
    assert.ok(error.details.includes(param), error.details);
  });
}

test('a prompt over the context is INVALID_ARGUMENT with its code', async () => {
  const error = await refusal(client, greedy(model, { input: { text: 'word '.repeat(model.context_length + 1) } }));

  assert.equal(error.code, Status.INVALID_ARGUMENT, error.details);
  assert.deepEqual(error.metadata.get('error-code'), ['context_length_exceeded']);
});

test('an unknown model is NOT_FOUND, for every method that takes one', async () => {
  const error = await refusal(client, greedy(model, { model: 'nobody' }));
  const counting = await call(client, 'countTokens', { model: 'nobody', input: { text: 'x' } }).catch((e) => e);

  assert.equal(error.code, Status.NOT_FOUND);
  assert.equal(counting.code, Status.NOT_FOUND);
});

test('after errors the next request is served', async () => {
  await refusal(client, greedy(model, { n: 0 }));
  const { status } = await generate(client, greedy(model));

  assert.equal(status.code, Status.OK);
});

test('an unknown method is UNIMPLEMENTED', async () => {
  const identity = (x) => x;
  const error = await new Promise((resolve) =>
    client.makeUnaryRequest('/crescent.v1.Inference/Nothing', identity, identity, Buffer.alloc(0), metadata(), resolve));

  assert.equal(error.code, Status.UNIMPLEMENTED);
});

test('a wrong key is UNAUTHENTICATED', { skip: apiKey ? false : 'the server has no keys (CRESCENT_API_KEY)' }, async () => {
  for (const key of ['wrong', undefined]) {
    const wrong = new grpc.Metadata();
    if (key) {
      wrong.set('authorization', `Bearer ${key}`);
    }
    const error = await new Promise((resolve) => client.listModels({}, wrong, resolve));
    assert.equal(error.code, Status.UNAUTHENTICATED);
  }
});

test('a deadline ends the call with DEADLINE_EXCEEDED on both sides', async () => {
  const long = greedy(model, { input: { text: 'Once' }, n: 16, max_tokens: undefined });

  // The client's own clock.
  const { error } = await generate(client, long, { deadline: Date.now() + 1 });
  assert.equal(error.code, Status.DEADLINE_EXCEEDED);

  // The server's: this client sends the timeout and waits.
  const answer = await raw('/crescent.v1.Inference/Generate', { ...keyHeader, 'grpc-timeout': '1u' }, generateBytes(long));
  assert.equal(answer['grpc-status'], String(Status.DEADLINE_EXCEEDED));
});

test('a deadline that does not pass changes nothing', async () => {
  const { status } = await generate(client, greedy(model), { deadline: Date.now() + 60_000 });

  assert.equal(status.code, Status.OK);
});

test('a message that is not protobuf fails with a status, and the next request is served', async () => {
  const answer = await raw('/crescent.v1.Inference/Generate', keyHeader, frame(Buffer.from([0xff, 0xff, 0xff, 0xff])));

  assert.ok(Number(answer['grpc-status']) > 0, JSON.stringify(answer));
  assert.equal((await generate(client, greedy(model))).status.code, Status.OK);
});

test('a message of 5 MB is read', async () => {
  const text = 'Once upon a time. '.repeat(300_000);
  const { count } = await call(client, 'countTokens', { model: model.id, input: { text } });

  assert.ok(count > 300_000);
});

test('a message over the size limit is RESOURCE_EXHAUSTED', async () => {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(2 ** 31 - 1, 1);
  const answer = await raw('/crescent.v1.Inference/Generate', keyHeader, prefix);

  assert.equal(answer['grpc-status'], String(Status.RESOURCE_EXHAUSTED));
});

test('gzip requests are read', async () => {
  const compressing = connect({ 'grpc.default_compression_algorithm': grpc.compressionAlgorithms.gzip });
  try {
    const { text } = await generate(compressing, greedy(model));
    assert.equal(text, (await generate(client, greedy(model))).text);
  } finally {
    compressing.close();
  }
});

test('an unknown encoding is UNIMPLEMENTED and the known ones are named', async () => {
  const body = generateBytes(greedy(model));
  body[0] = 1;
  const answer = await raw('/crescent.v1.Inference/Generate', { ...keyHeader, 'grpc-encoding': 'snappy' }, body);

  assert.equal(answer['grpc-status'], String(Status.UNIMPLEMENTED));
  assert.match(answer['grpc-accept-encoding'], /gzip/);
});
