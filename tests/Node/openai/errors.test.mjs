import assert from 'node:assert/strict';
import OpenAI from 'openai';
import { check, client, complete, errorOf, good, model, post, url } from './helpers.mjs';

function rejects(promise, type, expected) {
  return assert.rejects(promise, (error) => {
    assert.ok(error instanceof type, `${error.constructor.name}: ${error.message}`);
    for (const [name, value] of Object.entries(expected)) {
      assert.equal(error[name], value, error.message);
    }
    return true;
  });
}

check('an unknown model is NotFoundError', {}, async () => {
  await rejects(complete({ model: 'no-such-model' }), OpenAI.NotFoundError, { status: 404, code: 'model_not_found', param: 'model' });
  await rejects(client.models.retrieve('no-such-model'), OpenAI.NotFoundError, { status: 404, code: 'model_not_found' });
});

for (const [param, value] of Object.entries({
  temperature: -1,
  top_p: 1.5,
  top_k: -2,
  min_p: 2,
  n: 1_000_000_000,
  max_tokens: -5,
  presence_penalty: 3,
  frequency_penalty: -3,
  repetition_penalty: 0,
  logprobs: 1000,
  seed: 0.5,
  echo: true,
  suffix: 'x',
  stop: Array.from({ length: 10_000 }, (_, i) => `stop ${i}`),
  stop_token_ids: [1e9],
  logit_bias: { 5: 1000 },
  stream: 'yes',
})) {
  check(`a wrong ${param} is BadRequestError and named`, {}, async () => {
    await rejects(complete({ [param]: value }), OpenAI.BadRequestError, { status: 400, param, type: 'invalid_request_error' });
    await good();
  });
}

check('NaN, which JSON writes as null, is absent; in a string it is a wrong type', {}, async () => {
  await complete({ temperature: NaN, max_tokens: 1 });
  await rejects(complete({ temperature: 'NaN' }), OpenAI.BadRequestError, { param: 'temperature' });
});

check('a prompt and max_tokens over the context are refused with the numbers', {}, async () => {
  await assert.rejects(complete({ max_tokens: 2_000_000 }), (error) => {
    assert.equal(error.code, 'context_length_exceeded');
    assert.match(error.message, /\d+ tokens and max_tokens 2000000/);
    return true;
  });
  await good();
});

check('an error before the first token of a stream is a status', {}, async () => {
  await rejects(complete({ stream: true, temperature: 9 }), OpenAI.BadRequestError, { param: 'temperature' });
});

check('a wrong method is 405 and an unknown path is 404', {}, async () => {
  await errorOf(await fetch(new URL('/v1/completions', url)), 405);
  await errorOf(await post('/v1/no/such/thing', '{}'), 404);
});

check('members nobody knows are ignored', {}, async () => {
  const response = await post('/v1/completions', JSON.stringify({ model, prompt: 'x', max_tokens: 1, user: 'u', metadata: { a: [1] }, store: false }));
  assert.equal(response.status, 200);
});
