// Writes the predictions of the teacher networks for aligned pictures: one JSON line per picture, appended, so that a
// second run continues.
//
//   npm install @vladmandic/human@3.3.6 @vladmandic/face-api@1.7.15 @tensorflow/tfjs @tensorflow/tfjs-backend-wasm
//   python labels.py --data DIR --out WORK          // writes WORK/faces.npy and WORK/generated.npy
//   node teachers.mjs WORK/faces.npy WORK/faces.jsonl
//   node teachers.mjs WORK/generated.npy WORK/generated.jsonl
//
// faceres, face mesh and emotion belong to human, the others to face-api; all MIT. `emotion` is not used for training: it
// evaluates smiles. A quarter of a second per picture on one core.
import fs from 'fs';
import { createRequire } from 'module';

const require = createRequire(process.cwd() + '/');
const tf = require('@tensorflow/tfjs');
const wasm = require('@tensorflow/tfjs-backend-wasm');
wasm.setWasmPaths(process.cwd() + '/node_modules/@tensorflow/tfjs-backend-wasm/dist/');
wasm.setThreadsCount(1);
await tf.setBackend('wasm');
await tf.ready();
const faceapi = require('@vladmandic/face-api/dist/face-api.node-wasm.js');

async function graph(name) {
  const base = `node_modules/@vladmandic/human/models/${name}`;
  const json = JSON.parse(fs.readFileSync(`${base}.json`));
  const { buffer, byteOffset, length } = fs.readFileSync(`${base}.bin`);
  return tf.loadGraphModel({
    load: async () => ({ ...json, weightSpecs: json.weightsManifest[0].weights, weightData: buffer.slice(byteOffset, byteOffset + length) }),
  });
}

const faceres = await graph('faceres');
const mesh = await graph('facemesh');
const emotion = await graph('emotion');
for (const net of ['ageGenderNet', 'faceExpressionNet', 'faceRecognitionNet']) {
  await faceapi.nets[net].loadFromDisk('node_modules/@vladmandic/face-api/model/');
}

const FACE = [[0.2, 0.17, 0.86, 0.83]]; // crop of the aligned square: y0, x0, y1, x1
const SIDE = 256, HEADER = 128; // side of the pictures in pixels; bytes of an .npy header
const [source, target] = process.argv.slice(2);
const count = (fs.statSync(source).size - HEADER) / (SIDE * SIDE * 3);
const done = fs.existsSync(target) ? fs.readFileSync(target, 'utf8').split('\n').length - 1 : 0;
const input = fs.openSync(source), output = fs.openSync(target, 'a');
const numbers = (tensor, digits = 5) => Array.from(tensor.dataSync(), (x) => +x.toFixed(digits));

for (let i = done; i < count; i++) {
  const bytes = Buffer.alloc(SIDE * SIDE * 3);
  fs.readSync(input, bytes, 0, bytes.length, HEADER + i * bytes.length);
  tf.engine().startScope();
  const picture = tf.tensor4d(new Float32Array(bytes), [1, SIDE, SIDE, 3]);
  const face = (side) => tf.image.cropAndResize(picture, FACE, [0], [side, side], 'bilinear');
  const whole = await faceapi.toNetInput(face(224));
  const [male, embedding, ages] = faceres.execute(face(224), ['gender_pred/Sigmoid:0', 'global_pooling/Mean', 'age_pred/Softmax:0']);
  const ageGender = faceapi.nets.ageGenderNet.forwardInput(whole);
  const [points, flag] = mesh.execute(tf.div(face(192), 255), ['Identity_2:0', 'Identity_1:0']);
  const gray = tf.mean(face(64), 3, true);
  const line = {
    i,
    male_faceres: numbers(male)[0],
    age_faceres: ages.dataSync().reduce((sum, p, year) => sum + p * year, 0),
    age_faceapi: numbers(ageGender.age)[0],
    gender_faceapi: numbers(ageGender.gender), // male, female
    expression: numbers(faceapi.nets.faceExpressionNet.runNet(whole)), // neutral, happy, sad, ...: logits
    emotion: numbers(emotion.execute(tf.sub(tf.div(gray, 127.5), 1))), // angry, disgust, fear, happy, sad, surprise, neutral
    recognition: numbers(faceapi.nets.faceRecognitionNet.forwardInput(await faceapi.toNetInput(face(150)))),
    flag: numbers(flag)[0],
    mesh: numbers(points, 2),
  };
  tf.engine().endScope();
  fs.writeSync(output, JSON.stringify(line) + '\n');
}
