import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  call, connect, firstModel, generate, greedy, httpUrl, apiKey, metadata, Status, textOf, tokensOf, until,
} from './server.js';

let client;
let model;

before(async () => {
  client = connect();
  model = await firstModel(client);
});

after(() => client.close());

test('a stream is chunks, one of them with the finish reason, and then the summary', async () => {
  const { messages, chunks, summaries, status } = await generate(client, greedy(model));

  assert.equal(status.code, Status.OK);
  assert.equal(summaries.length, 1);
  assert.equal(messages.at(-1).part, 'summary');
  const ends = chunks.filter((c) => c.finish_reason !== 'FINISH_REASON_UNSPECIFIED');
  assert.equal(ends.length, 1);
  assert.equal(chunks.at(-1), ends[0]);
  assert.equal(ends[0].finish_reason, 'FINISH_REASON_LENGTH');
});

test('tokens are streamed, not collected', async () => {
  const { chunks } = await generate(client, greedy(model));

  assert.ok(chunks.filter((c) => c.text.length > 0).length > 1);
});

test('max_tokens is the number of tokens when nothing else ends the text', async () => {
  const { chunks, summary } = await generate(client, greedy(model, { max_tokens: 7 }));

  assert.equal(tokensOf(chunks).length, 7);
  assert.equal(summary.usage.completion_tokens, 7);
});

test('usage counts the prompt as CountTokens does', async () => {
  const input = { text: 'There was a little girl named Lily.' };
  const { count } = await call(client, 'countTokens', { model: model.id, input });
  const { summary } = await generate(client, greedy(model, { input }));

  assert.ok(count > 0);
  assert.equal(summary.usage.prompt_tokens, count);
  assert.ok(summary.usage.cached_tokens >= 0 && summary.usage.cached_tokens <= count);
  assert.equal(summary.model, model.id);
});

test('greedy text is the same every time', async () => {
  const first = await generate(client, greedy(model));
  const second = await generate(client, greedy(model));

  assert.ok(first.text.length > 0);
  assert.equal(first.text, second.text);
});

test('the summary names the seed, and the same seed gives the same text', async () => {
  const request = greedy(model, { sampling: { temperature: 1 } });
  const drawn = await generate(client, request);
  const again = await generate(client, { ...request, seed: drawn.summary.seed });

  assert.equal(again.summary.seed, drawn.summary.seed);
  assert.equal(again.text, drawn.text);
});

test('token ids continue as their text does', async () => {
  const head = await generate(client, greedy(model, { max_tokens: 8 }));
  const ids = tokensOf(head.chunks).map((t) => t.id);
  const { text, summary } = await generate(client, greedy(model, { input: { tokens: { ids } } }));

  assert.equal(summary.usage.prompt_tokens, ids.length);
  assert.ok(text.length > 0);
});

test('a conversation is answered, or refused for a model without a chat template', async () => {
  const input = { conversation: { messages: [{ role: 'user', content: 'Tell me a story.' }] } };
  const { error, text } = await generate(client, greedy(model, { input }));

  if (error === null) {
    assert.ok(text.length > 0);
  } else {
    assert.equal(error.code, Status.INVALID_ARGUMENT);
    assert.deepEqual(error.metadata.get('error-code'), ['chat_template_missing']);
  }
});

test('every one of n choices ends, and they share one prompt', async () => {
  const request = greedy(model, { n: 3, seed: '7', sampling: { temperature: 1 } });
  const { chunks, summary } = await generate(client, request);
  const one = await generate(client, greedy(model));

  const ends = chunks.filter((c) => c.finish_reason === 'FINISH_REASON_LENGTH').map((c) => c.choice);
  assert.deepEqual(ends.sort(), [0, 1, 2]);
  assert.equal(summary.usage.prompt_tokens, one.summary.usage.prompt_tokens);
  assert.equal(summary.usage.completion_tokens, 3 * request.max_tokens);
  assert.notEqual(textOf(chunks, 0), textOf(chunks, 1));
});

test('the text ends before a stop string', async () => {
  const whole = await generate(client, greedy(model));
  const stop = whole.text.slice(10, 15);
  const { chunks, text } = await generate(client, greedy(model, { stop: [stop] }));

  assert.equal(text, whole.text.slice(0, whole.text.indexOf(stop)));
  assert.equal(chunks.at(-1).finish_reason, 'FINISH_REASON_STOP');
  assert.equal(chunks.at(-1).stop_string, stop);
});

test('a stop token ends the text and is named', async () => {
  const whole = await generate(client, greedy(model));
  const id = tokensOf(whole.chunks)[3].id;
  const { chunks } = await generate(client, greedy(model, { stop_token_ids: [id] }));

  assert.equal(chunks.at(-1).finish_reason, 'FINISH_REASON_STOP');
  assert.equal(chunks.at(-1).stop_token_id, id);
  assert.ok(!tokensOf(chunks).some((t) => t.id === id));
});

test('log probabilities come with every token, most likely first', async () => {
  const { chunks } = await generate(client, greedy(model, { top_logprobs: 3 }));

  for (const token of tokensOf(chunks)) {
    assert.ok(token.logprob <= 0);
    const values = token.top_logprobs.map((t) => t.logprob);
    assert.equal(values.length, 3);
    assert.deepEqual(values, values.toSorted((a, b) => b - a));
    assert.equal(token.top_logprobs[0].id, token.id);
  }
});

test('log probabilities stay away unless asked for', async () => {
  const { chunks } = await generate(client, greedy(model));

  assert.ok(tokensOf(chunks).every((t) => t._logprob === undefined && t.top_logprobs.length === 0));
});

test('gRPC and HTTP give the same text', async () => {
  const { text } = await generate(client, greedy(model));
  const response = await fetch(new URL('/v1/completions', httpUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(apiKey && { authorization: `Bearer ${apiKey}` }) },
    body: JSON.stringify({
      model: model.id, prompt: 'Once upon a time', temperature: 0, max_tokens: 24, ignore_eos: true,
    }),
  });
  const answer = await response.json();

  assert.equal(response.status, 200, JSON.stringify(answer));
  assert.equal(answer.choices[0].text, text);
});

test('64 streams at once all end', async () => {
  const streams = Array.from({ length: 64 }, (_, i) =>
    generate(client, greedy(model, { seed: String(i), sampling: { temperature: 1 } })));

  for (const { status, summaries } of await Promise.all(streams)) {
    assert.equal(status.code, Status.OK, status.details);
    assert.equal(summaries.length, 1);
  }
});

test('cancelling a stream ends it, and the server frees what it held', async () => {
  const input = { text: 'Once' };
  const stream = client.generate(greedy(model, { input, n: 16, max_tokens: undefined }), metadata());
  const status = new Promise((resolve) => stream.on('status', resolve));
  stream.on('error', () => {});
  stream.once('data', () => stream.cancel());

  assert.equal((await status).code, Status.CANCELLED);
  await until(async () => {
    const { workers } = await call(client, 'getStatus', {});
    return workers.every((w) => w.running_requests === 0 && w.active_blocks === 0);
  }, 'the worker is idle');
});
