// Writes the face mesh and the iris landmarks of aligned pictures: one JSON line per picture, appended, so that a second
// run continues. The labels of the analyzer's details come from these points (details.py).
//
//   npm install @vladmandic/human@3.3.6 @tensorflow/tfjs @tensorflow/tfjs-backend-wasm
//   python labels.py --data DIR --out WORK          // writes WORK/faces.npy and WORK/generated.npy
//   node mesh.mjs WORK/faces.npy WORK/faces.mesh.jsonl
//   node mesh.mjs WORK/generated.npy WORK/generated.mesh.jsonl
//
// Both networks belong to human (MIT). All points are (x, y) in pixels of the picture of 256 px.
import fs from 'fs';
import { createRequire } from 'module';

const require = createRequire(process.cwd() + '/');
const tf = require('@tensorflow/tfjs');
const wasm = require('@tensorflow/tfjs-backend-wasm');
wasm.setWasmPaths(process.cwd() + '/node_modules/@tensorflow/tfjs-backend-wasm/dist/');
wasm.setThreadsCount(1);
await tf.setBackend('wasm');
await tf.ready();

async function graph(name) {
  const base = `node_modules/@vladmandic/human/models/${name}`;
  const json = JSON.parse(fs.readFileSync(`${base}.json`));
  const { buffer, byteOffset, length } = fs.readFileSync(`${base}.bin`);
  return tf.loadGraphModel({
    load: async () => ({ ...json, weightSpecs: json.weightsManifest[0].weights, weightData: buffer.slice(byteOffset, byteOffset + length) }),
  });
}

const mesh = await graph('facemesh');
const iris = await graph('iris');
const FACE = [0.2, 0.17, 0.86, 0.83]; // crop of the aligned square: y0, x0, y1, x1
const SIDE = 256, HEADER = 128; // side of the pictures in pixels; bytes of an .npy header
const EYES = [[33, 133, true], [263, 362, false]]; // corners of the viewer's left and right eye; the left one is mirrored
const ENLARGED = 2.3; // side of an eye's crop in widths of the eye
const [source, target] = process.argv.slice(2);
const count = (fs.statSync(source).size - HEADER) / (SIDE * SIDE * 3);
const done = fs.existsSync(target) ? fs.readFileSync(target, 'utf8').split('\n').length - 1 : 0;
const input = fs.openSync(source), output = fs.openSync(target, 'a');

for (let i = done; i < count; i++) {
  const bytes = Buffer.alloc(SIDE * SIDE * 3);
  fs.readSync(input, bytes, 0, bytes.length, HEADER + i * bytes.length);
  tf.engine().startScope();
  const picture = tf.div(tf.tensor4d(new Float32Array(bytes), [1, SIDE, SIDE, 3]), 255);
  const crop = tf.image.cropAndResize(picture, [FACE], [0], [192, 192], 'bilinear');
  const [points, flag] = mesh.execute(crop, ['Identity_2:0', 'Identity_1:0']);
  const raw = points.dataSync(), scale = ((FACE[2] - FACE[0]) * SIDE) / 192;
  const xyz = Array.from({ length: 468 }, (_, k) => [raw[3 * k] * scale + FACE[1] * SIDE, raw[3 * k + 1] * scale + FACE[0] * SIDE, raw[3 * k + 2] * scale]);
  const boxes = EYES.map(([a, b]) => {
    const x = (xyz[a][0] + xyz[b][0]) / 2, y = (xyz[a][1] + xyz[b][1]) / 2;
    const half = (Math.max(Math.abs(xyz[a][0] - xyz[b][0]), Math.abs(xyz[a][1] - xyz[b][1]), 4) * ENLARGED) / 2;
    return [x - half, y - half, 2 * half];
  });
  const crops = boxes.map(([x, y, side], eye) => {
    const part = tf.image.cropAndResize(picture, [[y / SIDE, x / SIDE, (y + side) / SIDE, (x + side) / SIDE]], [0], [64, 64], 'bilinear');
    return EYES[eye][2] ? tf.reverse(part, 2) : part;
  });
  const eyes = crops.map((part, eye) => {
    const data = iris.predict(part).dataSync();
    const [x, y, side] = boxes[eye];
    return Array.from({ length: 76 }, (_, k) => {
      const u = data[3 * k] / 64;
      return [x + side * (EYES[eye][2] ? 1 - u : u), y + (side * data[3 * k + 1]) / 64];
    });
  });
  const digits = (rows) => rows.flat().map((value) => +value.toFixed(2));
  fs.writeSync(output, JSON.stringify({ i, flag: +flag.dataSync()[0].toFixed(3), mesh: digits(xyz), eyes: digits(eyes.flat()) }) + '\n');
  tf.engine().endScope();
}
