// Writes the face mesh of aligned pictures, one JSON line per picture: {flag, mesh: [[x, y], ...] in pixels}.
//
//   npm install @vladmandic/human@3.3.6 @tensorflow/tfjs @tensorflow/tfjs-backend-wasm
//   node mesh.mjs WORK/pictures.npy WORK/mesh.jsonl
//
// The network is MediaPipe's face mesh in human's package (MIT).
import fs from 'fs';
import { createRequire } from 'module';

const require = createRequire(process.cwd() + '/');
const tf = require('@tensorflow/tfjs');
const wasm = require('@tensorflow/tfjs-backend-wasm');
wasm.setWasmPaths(process.cwd() + '/node_modules/@tensorflow/tfjs-backend-wasm/dist/');
wasm.setThreadsCount(1);
await tf.setBackend('wasm');
await tf.ready();

const base = 'node_modules/@vladmandic/human/models/facemesh';
const json = JSON.parse(fs.readFileSync(`${base}.json`));
const { buffer, byteOffset, length } = fs.readFileSync(`${base}.bin`);
const net = await tf.loadGraphModel({
  load: async () => ({ ...json, weightSpecs: json.weightsManifest[0].weights, weightData: buffer.slice(byteOffset, byteOffset + length) }),
});

const SIDE = 256, HEADER = 128; // side of the pictures in pixels; bytes of an .npy header
const FACE = { x: 0.5, y: 0.56, size: 0.88 }; // middle and side of the first crop of an aligned square
const MARGIN = 1.5; // side of the second crop in sides of the mesh found in the first one, as MediaPipe tracks faces
const [source, target] = process.argv.slice(2);
const count = (fs.statSync(source).size - HEADER) / (SIDE * SIDE * 3);
const input = fs.openSync(source), output = fs.openSync(target, 'w');

function find(picture, { x, y, size }) {
  const [left, top] = [x - size / 2, y - size / 2];
  const crop = tf.image.cropAndResize(picture, [[top, left, top + size, left + size]], [0], [192, 192], 'bilinear');
  const [points, flag] = net.execute(tf.div(crop, 255), ['Identity_2:0', 'Identity_1:0']);
  const xyz = points.dataSync(), mesh = [];
  for (let p = 0; p < xyz.length; p += 3) mesh.push([left + (size * xyz[p]) / 192, top + (size * xyz[p + 1]) / 192]);
  return { flag: flag.dataSync()[0], mesh };
}

function around(mesh) {
  const [xs, ys] = [0, 1].map((axis) => mesh.map((point) => point[axis]));
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  return { x: (left + right) / 2, y: (top + bottom) / 2, size: MARGIN * Math.max(right - left, bottom - top) };
}

for (let i = 0; i < count; i++) {
  const bytes = Buffer.alloc(SIDE * SIDE * 3);
  fs.readSync(input, bytes, 0, bytes.length, HEADER + i * bytes.length);
  tf.engine().startScope();
  const picture = tf.tensor4d(new Float32Array(bytes), [1, SIDE, SIDE, 3]);
  const { flag, mesh } = find(picture, around(find(picture, FACE).mesh));
  tf.engine().endScope();
  fs.writeSync(output, JSON.stringify({ flag, mesh: mesh.map((point) => point.map((x) => +(x * SIDE).toFixed(2))) }) + '\n');
}
