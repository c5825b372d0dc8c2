// What every suite here needs: the server under test (CRESCENT_HTTP, such as http://127.0.0.1:8080), its model, and
// a request that must succeed after whatever was done to the server before.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import OpenAI from 'openai';

const address = process.env.CRESCENT_HTTP;
if (!address) {
  throw new Error('Set CRESCENT_HTTP to the address of a running server, such as http://127.0.0.1:8080');
}

export const url = new URL(address);
export const client = new OpenAI({
  baseURL: new URL('/v1', url).href,
  apiKey: process.env.CRESCENT_API_KEY ?? 'none',
  maxRetries: 0,
  timeout: 120_000,
});

export const model = await firstModel();

/** The skip reason of chat tests, or false: a model without a chat template cannot chat. */
export const noChat = await whyNoChat();

/** A test that ends by itself when the server does not answer. */
export function check(name, options, body) {
  test(name, { timeout: 180_000, ...options }, body);
}

/** The same text every time. */
export const fixed = { temperature: 0, seed: 1 };

export async function complete(parameters) {
  return client.completions.create({ model, prompt: 'Once upon a time', max_tokens: 16, ...fixed, ...parameters });
}

/** The server still serves. */
export async function good() {
  const answer = await complete({ max_tokens: 4, ignore_eos: true });
  assert.equal(answer.usage.completion_tokens, 4);
}

export function post(path, body, headers = {}) {
  return fetch(new URL(path, url), {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${client.apiKey}`, ...headers },
    body,
  });
}

/** Asserts OpenAI's error shape and gives its inside. */
export async function errorOf(response, status) {
  const text = await response.text();
  assert.equal(response.status, status, text);
  const { error } = JSON.parse(text);
  assert.deepEqual(Object.keys(error).sort(), ['code', 'message', 'param', 'type']);
  assert.ok(error.message.length > 0);
  return error;
}

/** A connected socket whose errors do not end the process; `received` gathers what came. */
export async function socket() {
  const s = connect({ host: url.hostname, port: Number(url.port), allowHalfOpen: true });
  s.received = '';
  s.on('data', (data) => (s.received += data.toString('latin1')));
  s.on('error', () => {});
  s.closed_ = new Promise((resolve) => s.once('close', resolve));
  await new Promise((resolve) => s.once('connect', resolve));
  return s;
}

export function rawRequest(body, length = Buffer.byteLength(body)) {
  return (
    `POST /v1/completions HTTP/1.1\r\nHost: ${url.host}\r\nContent-Type: application/json\r\n` +
    `Authorization: Bearer ${client.apiKey}\r\nContent-Length: ${length}\r\n\r\n${body}`
  );
}

/** Waits until something that happens in the server has happened. */
export async function until(condition) {
  const end = Date.now() + 60_000;
  while (!(await condition())) {
    assert.ok(Date.now() < end, 'It did not happen within a minute.');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Requests that run now, as /metrics tells; 0 when there is no such gauge. */
export async function running() {
  const response = await fetch(new URL('/metrics', url), { headers: { authorization: `Bearer ${client.apiKey}` } });
  assert.equal(response.status, 200);
  return [...(await response.text()).matchAll(/^crescent_requests_running\{.*\} (\S+)$/gm)].reduce((sum, m) => sum + Number(m[1]), 0);
}

async function firstModel() {
  const models = await client.models.list();
  return models.data[0].id;
}

async function whyNoChat() {
  try {
    await client.chat.completions.create({ model, messages: [{ role: 'user', content: 'Hi' }], max_tokens: 1 });
    return false;
  } catch (error) {
    if (error.code === 'chat_template_missing') {
      return `${model} has no chat template`;
    }
    throw error;
  }
}
