// What every gRPC tool expects of a server: health and reflection.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import grpc from '@grpc/grpc-js';
import { loadFileDescriptorSetFromBuffer } from '@grpc/proto-loader';
import {
  address, call, collect, connectHealth, connectReflection, credentials, loaderOptions, Status,
} from './server.js';

const service = 'crescent.v1.Inference';

let health;
before(() => { health = connectHealth(); });
after(() => health.close());

const check = (name) =>
  new Promise((resolve, reject) => health.check({ service: name }, (e, r) => (e ? reject(e) : resolve(r.status))));

/** The first status of a watch, which is then given up. */
function watch(name) {
  return new Promise((resolve, reject) => {
    const stream = health.watch({ service: name });
    let first;
    stream.on('data', (message) => { first ??= message.status; stream.cancel(); });
    stream.on('error', (e) => (e.code === Status.CANCELLED ? resolve(first) : reject(e)));
  });
}

test('the process lives and the service serves', async () => {
  assert.equal(await check(''), 'SERVING');
  assert.equal(await check(service), 'SERVING');
});

test('an unknown service is NOT_FOUND', async () => {
  await assert.rejects(check('nobody'), (e) => e.code === Status.NOT_FOUND);
});

test('a watch begins with the status now', async () => {
  assert.equal(await watch(service), 'SERVING');
  assert.equal(await watch('nobody'), 'SERVICE_UNKNOWN');
});

async function ask(version, ...questions) {
  const client = connectReflection(version);
  const stream = client.serverReflectionInfo();
  questions.forEach((q) => stream.write(q));
  stream.end();
  const { messages, error } = await collect(stream);
  client.close();
  assert.equal(error, null);
  return messages;
}

for (const version of ['v1', 'v1alpha']) {
  test(`reflection ${version} lists the services`, async () => {
    const [answer] = await ask(version, { list_services: '*' });

    const names = answer.list_services_response.service.map((s) => s.name);
    for (const name of [service, 'grpc.health.v1.Health', `grpc.reflection.${version}.ServerReflection`]) {
      assert.ok(names.includes(name), `${name} in ${names}`);
    }
  });

  test(`a client made from reflection ${version} alone can call the service`, async () => {
    const [answer] = await ask(version, { file_containing_symbol: service });
    const files = answer.file_descriptor_response.file_descriptor_proto;
    const definition = loadFileDescriptorSetFromBuffer(descriptorSet(files), loaderOptions);
    const Reflected = grpc.loadPackageDefinition(definition).crescent.v1.Inference;
    const client = new Reflected(address, credentials.createInsecure());

    const { models } = await call(client, 'listModels', {});

    client.close();
    assert.ok(models.length > 0);
    assert.ok(models[0].context_length > 0);
  });
}

test('reflection answers several questions on one stream, in order', async () => {
  const answers = await ask(
    'v1', { file_containing_symbol: 'crescent.v1.GenerateRequest' }, { file_containing_symbol: 'nobody' }, { list_services: '' });

  assert.deepEqual(
    answers.map((a) => a.message_response),
    ['file_descriptor_response', 'error_response', 'list_services_response']);
  assert.equal(answers[1].error_response.error_code, Status.NOT_FOUND);
});

/** A google.protobuf.FileDescriptorSet: each file is its field 1. */
function descriptorSet(files) {
  const parts = files.flatMap((file) => {
    const length = [];
    let rest = file.length;
    for (; rest > 0x7f; rest >>>= 7) {
      length.push((rest & 0x7f) | 0x80);
    }
    return [Buffer.from([0x0a, ...length, rest]), file];
  });
  return Buffer.concat(parts);
}
