/** Turn an OpenAPI document on standard input into TypeScript types on standard output. */

import { stdin } from "node:process";
import { json } from "node:stream/consumers";

const HEADER = `/** Types of the REST API. Generated from the OpenAPI document: do not edit, run "python hatch_build.py generate". */

`;

const quoted = (text) => JSON.stringify(text);
const key = (name) => (/^[A-Za-z_]\w*$/.test(name) ? name : quoted(name));
const indented = (text) => text.replaceAll("\n", "\n  ");
const comment = (text) => (text ? `/** ${text.replaceAll(/\s+/g, " ")} */\n` : "");

/** Write an object type from `[name, type, required, description]` of every member. */
function objectType(members) {
  if (!members.length) return "Record<string, never>";
  const lines = members.map(
    ([name, type, required, description]) => `${comment(description)}${key(name)}${required ? "" : "?"}: ${type};`,
  );
  return `{\n  ${indented(lines.join("\n"))}\n}`;
}

function union(types) {
  return [...new Set(types)].join(" | ");
}

function arrayType(schema) {
  if (schema.prefixItems) return `[${schema.prefixItems.map(typeOf).join(", ")}]`;
  const item = typeOf(schema.items ?? {});
  const fixed = schema.minItems !== undefined && schema.minItems === schema.maxItems;
  if (fixed) return `[${Array.from({ length: schema.minItems }, () => item).join(", ")}]`;
  return /^[^{[]* [|&] /.test(item) ? `(${item})[]` : `${item}[]`;
}

/** Write the TypeScript type of a JSON schema. */
function typeOf(schema) {
  if (schema.$ref) return `components["schemas"][${quoted(schema.$ref.split("/").at(-1))}]`;
  if ("const" in schema) return quoted(schema.const);
  if (schema.enum) return union(schema.enum.map(quoted));
  const options = schema.anyOf ?? schema.oneOf;
  if (options) return union(options.map(typeOf));
  if (schema.allOf) return schema.allOf.map(typeOf).join(" & ");
  if (schema.contentMediaType === "application/octet-stream" || schema.format === "binary") return "Blob";
  switch (schema.type) {
    case "string":
    case "boolean":
    case "null":
      return schema.type;
    case "integer":
    case "number":
      return "number";
    case "array":
      return arrayType(schema);
    case "object":
      if (schema.properties) return objectType(propertiesOf(schema));
      return `Record<string, ${typeof schema.additionalProperties === "object" ? typeOf(schema.additionalProperties) : "unknown"}>`;
    default:
      return "unknown";
  }
}

const propertiesOf = ({ properties, required = [] }) =>
  Object.entries(properties).map(([name, value]) => [name, typeOf(value), required.includes(name), value.description]);

/** Write the type of a body; a form is sent as FormData, a file as Blob. */
function contentType(content = {}) {
  if (content["application/json"]) return typeOf(content["application/json"].schema ?? {});
  return content["multipart/form-data"] ? "FormData" : "Blob";
}

/** Write the payload type of every event of a stream, by the name of the event. */
function eventsType({ oneOf }) {
  return objectType(oneOf.map(({ properties: { event, data } }) => [event.const, typeOf(data.contentSchema), true]));
}

function operationType(operation) {
  const members = ["path", "query"].flatMap((place) => {
    const found = (operation.parameters ?? []).filter((parameter) => parameter.in === place);
    const fields = found.map(({ name, schema, required, description }) => [
      name,
      typeOf(schema),
      required,
      description,
    ]);
    return found.length ? [[place, objectType(fields), true]] : [];
  });
  if (operation.requestBody) members.push(["body", contentType(operation.requestBody.content), true]);
  const [status, answer] = Object.entries(operation.responses).find(([code]) => code.startsWith("2"));
  const stream = answer.content?.["text/event-stream"];
  if (stream) members.push(["events", eventsType(stream.itemSchema), true]);
  else members.push(["response", status === "204" ? "undefined" : contentType(answer.content), true]);
  return objectType(members);
}

const { paths, components } = await json(stdin);
const schemas = Object.entries(components.schemas).map(([name, schema]) => [
  name,
  typeOf(schema),
  true,
  schema.description,
]);
const operations = Object.entries(paths).map(([path, methods]) => [
  path,
  objectType(
    Object.entries(methods).map(([method, operation]) => [
      method,
      operationType(operation),
      true,
      operation.description,
    ]),
  ),
  true,
]);
const declared = `export interface components {\n  schemas: ${indented(objectType(schemas))};\n}

export interface paths ${objectType(operations)}\n`;
console.log(HEADER + declared.trimEnd());
