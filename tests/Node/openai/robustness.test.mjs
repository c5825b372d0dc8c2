// What a hostile or broken client may do. After each of these the next request must be served.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { check, complete, errorOf, fixed, good, model, post, rawRequest, socket } from './helpers.mjs';

const goodBody = JSON.stringify({ model, prompt: 'x', max_tokens: 2, ...fixed });

for (const [name, body] of Object.entries({
  'an empty body': '',
  'a cut body': goodBody.slice(0, -5),
  'a trailing comma': '{"model":"m",}',
  'NaN': '{"temperature":NaN}',
  'two documents': '{}{}',
  'deep nesting': '['.repeat(1_000_000),
  'a lone bracket': ']',
  'XML': '<request/>',
})) {
  check(`malformed JSON: ${name}`, {}, async () => {
    const error = await errorOf(await post('/v1/completions', body), 400);
    assert.equal(error.code, 'invalid_json');
    await good();
  });
}

for (const body of ['[]', '"text"', '1', 'null', 'true']) {
  check(`JSON that is not an object: ${body}`, {}, async () => {
    await errorOf(await post('/v1/completions', body), 400);
    await good();
  });
}

check('invalid UTF-8', {}, async () => {
  const bytes = Buffer.concat([Buffer.from(`{"model":"${model}","prompt":"`), Buffer.from([0xc3, 0x28, 0xff, 0xfe]), Buffer.from('"}')]);
  const error = await errorOf(await post('/v1/completions', bytes), 400);
  assert.equal(error.code, 'invalid_utf8');
  await good();
});

check('half a surrogate pair', {}, async () => {
  await errorOf(await post('/v1/completions', `{"model":"${model}","prompt":"\\ud83d"}`), 400);
  await errorOf(await post('/v1/completions', '{"\\ud83d":1}'), 400);
  await good();
});

check('a prompt of 10 MB', {}, async () => {
  const prompt = 'The quick brown fox jumps over the lazy dog. '.repeat(10_000_000 / 45);
  const error = await errorOf(await post('/v1/completions', JSON.stringify({ model, prompt })), 400);
  assert.equal(error.code, 'context_length_exceeded');
  assert.match(error.message, /The prompt has \d+ tokens/);
  await good();
});

check('a prompt of 10 MB without a space', {}, async () => {
  const error = await errorOf(await post('/v1/completions', JSON.stringify({ model, prompt: 'a'.repeat(10_000_000) })), 400);
  assert.equal(error.code, 'context_length_exceeded');
  await good();
});

check('a body over the limit', {}, async () => {
  try {
    await errorOf(await post('/v1/completions', Buffer.alloc(40 << 20, 0x20)), 413);
  } catch (error) {
    // The server may close before it has read everything; then there is nothing to read the answer from.
    assert.ok(error instanceof TypeError, error.message);
  }
  await good();
});

check('a socket half-closed after a whole request', {}, async () => {
  const s = await socket();
  s.end(rawRequest(goodBody));
  await s.closed_;
  assert.ok(s.received === '' || s.received.startsWith('HTTP/1.1 '), s.received);
  await good();
});

check('a socket half-closed in the middle of a body', {}, async () => {
  const s = await socket();
  s.end(rawRequest(goodBody.slice(0, 10), goodBody.length));
  await s.closed_;
  assert.doesNotMatch(s.received, /^HTTP\/1.1 200/);
  await good();
});

check('a socket reset in the middle of a body', {}, async () => {
  const s = await socket();
  await new Promise((resolve) => s.write(rawRequest(goodBody.slice(0, 10), goodBody.length), resolve));
  s.resetAndDestroy();
  await good();
});

check('bodies that come a byte at a time hold up nobody', {}, async () => {
  const body = Buffer.from(goodBody);
  const sockets = await Promise.all(Array.from({ length: 20 }, () => socket()));
  for (const s of sockets) {
    s.write(rawRequest('', body.length));
  }
  for (let i = 0; i < 10; i++) {
    for (const s of sockets) {
      s.write(body.subarray(i, i + 1));
    }
    await good();
  }
  const finished = sockets[0];
  finished.write(body.subarray(10));
  while (!finished.received.includes('\r\n\r\n')) {
    await sleep(10);
  }
  assert.match(finished.received, /^HTTP\/1.1 200/);
  for (const s of sockets) {
    s.destroy();
  }
  await good();
});

check('clients that read nothing hold up nobody', {}, async () => {
  const sockets = await Promise.all(Array.from({ length: 8 }, () => socket()));
  for (const s of sockets) {
    s.pause();
    s.write(rawRequest(JSON.stringify({ model, prompt: 'x', max_tokens: 300, logprobs: 20, ignore_eos: true, stream: true, ...fixed })));
  }
  for (let i = 0; i < 5; i++) {
    await good();
  }
  for (const s of sockets) {
    s.destroy();
  }
  await good();
});

check('bytes that are not HTTP', {}, async () => {
  for (const bytes of ['\0\0\0\0\r\n\r\n', 'GET\r\n\r\n', `POST /v1/completions HTTP/1.1\r\nContent-Length: -1\r\n\r\n`, 'x'.repeat(100_000)]) {
    const s = await socket();
    s.write(bytes);
    s.end();
    await s.closed_;
    assert.doesNotMatch(s.received, /^HTTP\/1.1 [2]/);
    await good();
  }
});

check('two requests in one packet are both answered', {}, async () => {
  const s = await socket();
  s.write(rawRequest(goodBody) + rawRequest(goodBody));
  while ((s.received.match(/HTTP\/1.1 200/g) ?? []).length < 2) {
    await sleep(10);
  }
  s.destroy();
  await good();
});

check('sixteen choices at once, and seventeen', {}, async () => {
  const answer = await complete({ n: 16, max_tokens: 2, ignore_eos: true });
  assert.equal(answer.choices.length, 16);
  await assert.rejects(complete({ n: 17 }), (error) => error.param === 'n' && /16/.test(error.message));
  await good();
});
