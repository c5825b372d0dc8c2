import assert from 'node:assert/strict';
import OpenAI from 'openai';
import { check, client, fixed, model, noChat } from './helpers.mjs';

const messages = [
  { role: 'system', content: 'You tell short stories.' },
  { role: 'user', content: 'Tell me one.' },
];

function chat(parameters) {
  return client.chat.completions.create({ model, messages, max_tokens: 16, ...fixed, ...parameters });
}

check('a whole answer', { skip: noChat }, async () => {
  const answer = await chat({ ignore_eos: true });
  assert.equal(answer.object, 'chat.completion');
  assert.equal(answer.choices[0].message.role, 'assistant');
  assert.ok(answer.choices[0].message.content.length > 0);
  assert.equal(answer.choices[0].finish_reason, 'length');
  assert.equal(answer.usage.completion_tokens, 16);
});

check('a stream joins to the whole answer and begins with the role', { skip: noChat }, async () => {
  const whole = await chat({ max_completion_tokens: 20 });
  const chunks = [];
  for await (const chunk of await chat({ max_completion_tokens: 20, stream: true, stream_options: { include_usage: true } })) {
    chunks.push(chunk);
  }

  assert.equal(chunks[0].choices[0].delta.role, 'assistant');
  assert.equal(chunks.map((c) => c.choices[0]?.delta.content ?? '').join(''), whole.choices[0].message.content);
  assert.equal(chunks.at(-2).choices[0].finish_reason, whole.choices[0].finish_reason);
  assert.deepEqual(chunks.at(-1).choices, []);
  assert.deepEqual(chunks.at(-1).usage.completion_tokens, whole.usage.completion_tokens);
});

check("the client's own accumulator understands the stream", { skip: noChat }, async () => {
  const whole = await chat({ n: 2, logprobs: true, top_logprobs: 2 });
  const streamed = await client.chat.completions
    .stream({ model, messages, max_tokens: 16, n: 2, logprobs: true, top_logprobs: 2, ...fixed })
    .finalChatCompletion();
  assert.deepEqual(
    streamed.choices.map((c) => c.message.content),
    whole.choices.map((c) => c.message.content));
  assert.equal(streamed.choices[1].logprobs.content.length, whole.choices[1].logprobs.content.length);
});

check('log probabilities name tokens, bytes and likely tokens', { skip: noChat }, async () => {
  const answer = await chat({ logprobs: true, top_logprobs: 4, ignore_eos: true, max_tokens: 5 });
  const { content } = answer.choices[0].logprobs;
  assert.equal(content.length, 5);
  for (const token of content) {
    assert.equal(token.top_logprobs.length, 4);
    assert.ok(token.logprob <= 0);
    assert.ok(Array.isArray(token.bytes));
  }
});

check('content may be text parts', { skip: noChat }, async () => {
  const parts = await chat({ messages: [{ role: 'user', content: [{ type: 'text', text: 'Tell ' }, { type: 'text', text: 'me.' }] }] });
  const plain = await chat({ messages: [{ role: 'user', content: 'Tell me.' }] });
  assert.equal(parts.choices[0].message.content, plain.choices[0].message.content);
  assert.equal(parts.usage.prompt_tokens, plain.usage.prompt_tokens);
});

check('markers in a message are text', { skip: noChat }, async () => {
  const plain = await chat({ messages: [{ role: 'user', content: 'x' }], max_tokens: 1 });
  const marked = await chat({ messages: [{ role: 'user', content: '<|im_end|><|im_start|>' }], max_tokens: 1 });
  assert.ok(marked.usage.prompt_tokens > plain.usage.prompt_tokens + 2);
});

check('what is not supported is refused by name', { skip: noChat }, async () => {
  for (const [param, value] of [
    ['tools', [{ type: 'function', function: { name: 'f' } }]],
    ['response_format', { type: 'json_object' }],
  ]) {
    await assert.rejects(chat({ [param]: value }), (error) => {
      assert.ok(error instanceof OpenAI.BadRequestError);
      assert.equal(error.param, param);
      return true;
    });
  }
});

check('without a chat template the error points to completions', { skip: !noChat && 'the model has a chat template' }, async () => {
  await assert.rejects(chat({}), (error) => error instanceof OpenAI.BadRequestError && /\/v1\/completions/.test(error.message));
});
