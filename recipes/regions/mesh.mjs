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
const TOP = 0.2, LEFT = 0.17, PART = 0.66; // crop of the aligned square
const [source, target] = process.argv.slice(2);
const count = (fs.statSync(source).size - HEADER) / (SIDE * SIDE * 3);
const input = fs.openSync(source), output = fs.openSync(target, 'w');

for (let i = 0; i < count; i++) {
  const bytes = Buffer.alloc(SIDE * SIDE * 3);
  fs.readSync(input, bytes, 0, bytes.length, HEADER + i * bytes.length);
  tf.engine().startScope();
  const picture = tf.tensor4d(new Float32Array(bytes), [1, SIDE, SIDE, 3]);
  const crop = tf.image.cropAndResize(picture, [[TOP, LEFT, TOP + PART, LEFT + PART]], [0], [192, 192], 'bilinear');
  const [points, flag] = net.execute(tf.div(crop, 255), ['Identity_2:0', 'Identity_1:0']);
  const xyz = points.dataSync(), mesh = [];
  for (let p = 0; p < xyz.length; p += 3) {
    mesh.push([(LEFT + (PART * xyz[p]) / 192) * SIDE, (TOP + (PART * xyz[p + 1]) / 192) * SIDE].map((x) => +x.toFixed(2)));
  }
  fs.writeSync(output, JSON.stringify({ flag: flag.dataSync()[0], mesh }) + '\n');
  tf.engine().endScope();
}
