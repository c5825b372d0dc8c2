import assert from 'node:assert/strict';
import { check, client, complete, fixed, good, model, running, until } from './helpers.mjs';

check('models are listed and found by id', {}, async () => {
  const found = await client.models.retrieve(model);
  assert.equal(found.id, model);
  assert.equal(found.object, 'model');
});

check('a whole completion', {}, async () => {
  const answer = await complete({ max_tokens: 12, ignore_eos: true });
  assert.equal(answer.object, 'text_completion');
  assert.equal(answer.model, model);
  assert.equal(answer.choices.length, 1);
  assert.equal(answer.choices[0].finish_reason, 'length');
  assert.ok(answer.choices[0].text.length > 0);
  assert.equal(answer.usage.completion_tokens, 12);
  assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + 12);
  assert.equal(typeof answer.usage.prompt_tokens_details.cached_tokens, 'number');
});

check('a stream joins to the whole completion, and usage comes last', {}, async () => {
  const whole = await complete({ max_tokens: 24 });
  const stream = await complete({ max_tokens: 24, stream: true, stream_options: { include_usage: true } });
  let text = '';
  let reason = null;
  const chunks = [];
  for await (const chunk of stream) {
    chunks.push(chunk);
    text += chunk.choices[0]?.text ?? '';
    reason ??= chunk.choices[0]?.finish_reason ?? null;
  }

  assert.equal(text, whole.choices[0].text);
  assert.equal(reason, whole.choices[0].finish_reason);
  assert.deepEqual(chunks.at(-1).choices, []);
  assert.equal(chunks.at(-1).usage.completion_tokens, whole.usage.completion_tokens);
  assert.equal(chunks.at(-2).choices[0].finish_reason, reason);
  assert.equal(new Set(chunks.map((c) => c.id)).size, 1);
});

check('the same seed gives the same text, alone and among others', {}, async () => {
  const draw = (seed) => complete({ temperature: 1, seed, max_tokens: 20 }).then((a) => a.choices[0].text);
  const alone = await draw(42);
  const among = await Promise.all([draw(1), draw(42), draw(2), draw(42)]);
  assert.equal(among[1], alone);
  assert.equal(among[3], alone);
});

check('n choices have their own indices, and their tokens count', {}, async () => {
  const answer = await complete({ n: 3, temperature: 1, seed: 5, max_tokens: 8, ignore_eos: true });
  assert.deepEqual(answer.choices.map((c) => c.index).sort(), [0, 1, 2]);
  assert.equal(answer.usage.completion_tokens, 24);
});

check('n streamed choices join to the whole ones', {}, async () => {
  const parameters = { n: 3, temperature: 1, seed: 5, max_tokens: 8 };
  const whole = await complete(parameters);
  const texts = ['', '', ''];
  const reasons = [0, 0, 0];
  for await (const chunk of await complete({ ...parameters, stream: true })) {
    texts[chunk.choices[0].index] += chunk.choices[0].text;
    reasons[chunk.choices[0].index] += chunk.choices[0].finish_reason ? 1 : 0;
  }

  assert.deepEqual(texts, whole.choices.map((c) => c.text));
  assert.deepEqual(reasons, [1, 1, 1]);
});

check('a stop string ends the text before it, streamed or not', {}, async () => {
  const full = (await complete({ max_tokens: 40 })).choices[0].text;
  const stop = full.slice(Math.floor(full.length / 2), Math.floor(full.length / 2) + 4);
  const expected = full.slice(0, full.indexOf(stop));
  const whole = await complete({ max_tokens: 40, stop: [stop, 'never said'] });
  assert.equal(whole.choices[0].text, expected);
  assert.equal(whole.choices[0].finish_reason, 'stop');

  let text = '';
  for await (const chunk of await complete({ max_tokens: 40, stop, stream: true })) {
    text += chunk.choices[0].text;
  }
  assert.equal(text, expected);
});

check('a prompt may be token ids', {}, async () => {
  const answer = await complete({ prompt: [1, 65, 66, 67], max_tokens: 5, ignore_eos: true });
  assert.equal(answer.usage.prompt_tokens, 4);
  assert.equal(answer.usage.completion_tokens, 5);
});

check('several prompts have their choices in order', {}, async () => {
  const one = await complete({ prompt: 'One', max_tokens: 6 });
  const two = await complete({ prompt: 'Two', max_tokens: 6 });
  const both = await complete({ prompt: ['One', 'Two'], max_tokens: 6 });
  assert.deepEqual(both.choices.map((c) => c.text), [one.choices[0].text, two.choices[0].text]);
});

check('log probabilities come for every token', {}, async () => {
  const answer = await complete({ max_tokens: 6, logprobs: 3, ignore_eos: true });
  const { tokens, token_logprobs, top_logprobs, text_offset } = answer.choices[0].logprobs;
  assert.equal(tokens.length, 6);
  assert.equal(text_offset.length, 6);
  assert.ok(token_logprobs.every((p) => p <= 0));
  assert.ok(top_logprobs.every((top) => Object.keys(top).length >= 1 && Object.keys(top).length <= 4));
});

check('an aborted stream stops in the server too', {}, async () => {
  const stream = await complete({ max_tokens: 400, ignore_eos: true, stream: true });
  let chunks = 0;
  for await (const chunk of stream) {
    assert.ok(chunk.choices.length > 0);
    if (++chunks === 2) {
      stream.controller.abort();
    }
  }

  assert.ok(chunks < 400);
  await until(async () => (await running()) === 0);
  await good();
});

check('an aborted request that does not stream stops in the server too', {}, async () => {
  const abort = new AbortController();
  const pending = client.completions.create(
    { model, prompt: 'Once', max_tokens: 450, ignore_eos: true, ...fixed },
    { signal: abort.signal });
  setTimeout(() => abort.abort(), 30);
  await Promise.allSettled([pending]);
  await until(async () => (await running()) === 0);
  await good();
});

check('many streams with random aborts leave nothing running', {}, async () => {
  await Promise.all(Array.from({ length: 24 }, async (_, i) => {
    const stream = await complete({ max_tokens: 60, ignore_eos: true, seed: i, temperature: 1, stream: true });
    let chunks = 0;
    for await (const chunk of stream) {
      assert.ok(chunk.id);
      if (i % 3 === 0 && ++chunks > i) {
        break;
      }
    }
  }));
  await until(async () => (await running()) === 0);
  await good();
});
