// node label.mjs faces.npy out.json start stop : one JSON line a face
import fs from 'fs';
import { createRequire } from 'module';
const require = createRequire(import.meta.url);
const tf = require('@tensorflow/tfjs');
const wasm = require('@tensorflow/tfjs-backend-wasm');
wasm.setWasmPaths(process.cwd() + '/node_modules/@tensorflow/tfjs-backend-wasm/dist/');
wasm.setThreadsCount && wasm.setThreadsCount(1);
await tf.setBackend('wasm'); await tf.ready();
const faceapi = require('@vladmandic/face-api/dist/face-api.node-wasm.js');
const H = 'node_modules/@vladmandic/human/models/', FA = 'node_modules/@vladmandic/face-api/model/';
async function graph(name) {
  const j = JSON.parse(fs.readFileSync(H + name + '.json')), b = fs.readFileSync(H + name + '.bin');
  return tf.loadGraphModel({ load: async () => ({ modelTopology: j.modelTopology, weightSpecs: j.weightsManifest[0].weights, weightData: b.buffer.slice(b.byteOffset, b.byteOffset + b.length), format: j.format, signature: j.signature, userDefinedMetadata: j.userDefinedMetadata }) });
}
const faceres = await graph('faceres'), mesh = await graph('facemesh');
await faceapi.nets.ageGenderNet.loadFromDisk(FA);
await faceapi.nets.faceExpressionNet.loadFromDisk(FA);
await faceapi.nets.faceRecognitionNet.loadFromDisk(FA);
const [src, dst, a, b] = process.argv.slice(2);
const fd = fs.openSync(src), head = 128, N = 256 * 256 * 3;
const out = fs.openSync(dst, 'a');
const box = [[0.20, 0.17, 0.86, 0.83]];
const r = x => Math.round(x * 1e5) / 1e5;
for (let i = +a; i < +b; i++) {
  const buf = Buffer.alloc(N); fs.readSync(fd, buf, 0, N, head + i * N);
  tf.engine().startScope();
  const img = tf.tensor4d(new Float32Array(buf), [1, 256, 256, 3]);
  const crop = n => tf.image.cropAndResize(img, box, [0], [n, n], 'bilinear');
  const o = {};
  const fr = faceres.execute(crop(224), ['gender_pred/Sigmoid:0', 'global_pooling/Mean', 'age_pred/Softmax:0']);
  o.male_faceres = r(fr[0].dataSync()[0]); o.embedding = Array.from(fr[1].dataSync()).map(r);
  const ap = fr[2].dataSync(); o.age_faceres = r(ap.reduce((s, p, k) => s + p * k, 0));
  const big = crop(224);
  const e = faceapi.nets.faceExpressionNet.runNet(await faceapi.toNetInput(big)).dataSync(); 
  o.expression = Array.from(e).map(r);
  const ag = faceapi.nets.ageGenderNet.forwardInput(await faceapi.toNetInput(big));
  o.age_faceapi = r(ag.age.dataSync()[0]); o.gender_faceapi = Array.from(ag.gender.dataSync()).map(r);
  const rec = faceapi.nets.faceRecognitionNet.forwardInput(await faceapi.toNetInput(crop(150))).dataSync();
  o.recognition = Array.from(rec).map(r);
  const m = mesh.execute(tf.div(crop(192), 255), ['Identity_2:0', 'Identity_1:0']);
  const pts = m[0].dataSync(); o.flag = r(m[1].dataSync()[0]);
  o.mesh = Array.from(pts).map(x => Math.round(x * 100) / 100);
  tf.engine().endScope();
  fs.writeSync(out, JSON.stringify({ i, ...o }) + '\n');
}
